"""aiokafka's `getmany`, orjson and a dictionary, without framework or lasting state: the limit of such a process."""

from __future__ import annotations

from collections import defaultdict

import orjson
import uvloop
from aiokafka import AIOKafkaConsumer

from bench.simple.sums import MINUTE, Cell, finish, task
from bench.watch import Watch

# As ours does; the default of 1 MiB is slower.
MAX_FETCH_BYTES = 8 * 1024 * 1024


async def main() -> None:
    """Sum up everything."""
    job = task()
    sums: defaultdict[Cell, int] = defaultdict(int)
    stopwatch = Watch(job.events)
    consumer = AIOKafkaConsumer(
        job.topic,
        bootstrap_servers=job.bootstrap,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=MAX_FETCH_BYTES,
    )
    await consumer.start()
    complete = False
    while not complete:
        if not (fetched := await consumer.getmany(timeout_ms=500)):
            continue
        stopwatch.start()
        for records in fetched.values():
            for record in records:
                event = orjson.loads(record.value or b"")
                sums[event["key"], event["time"][:MINUTE]] += event["units"]
        complete = stopwatch.add(sum(map(len, fetched.values())))
    finish(stopwatch, sums)


if __name__ == "__main__":
    uvloop.run(main())
