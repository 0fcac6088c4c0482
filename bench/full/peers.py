"""What else one would write: consumers of the same topic that sum the same events, each in a process of its own.

Run as `python -m bench.full.peers NAME BOOTSTRAP TOPIC COUNT`.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from tempfile import mkdtemp
from typing import Any

import orjson
import uvloop
from mode import loop as event_loop

from bench.watch import Watch, finish

PARTITIONS = 4
SESSION_SECONDS = 10


async def raw_aiokafka(bootstrap: str, topic: str, watch: Watch) -> None:
    """`getmany`, orjson and a dictionary: no framework, no state that survives, nothing sent."""
    from aiokafka import AIOKafkaConsumer  # noqa: PLC0415 - each peer imports its own client

    sums: defaultdict[tuple[str, str, str], float] = defaultdict(float)
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest", max_partition_fetch_bytes=8 << 20
    )
    await consumer.start()
    complete = False
    while not complete:
        if not (fetched := await consumer.getmany(timeout_ms=500)):
            continue
        watch.start()
        for records in fetched.values():
            for record in records:
                event = orjson.loads(record.value or b"")
                data = event["data"]
                sums[data["tenant"], data["service"], event["time"][:16]] += data.get("units", 0)
        complete = watch.add(sum(map(len, fetched.values())))


def idiomatic_faust(bootstrap: str, topic: str, watch: Watch) -> None:
    """`async for event in stream: table[key] += units`, as Faust's documentation shows it, on RocksDB."""
    event_loop.use("uvloop")
    import faust  # noqa: PLC0415 - the event loop has to be chosen before

    app = faust.App(
        f"{topic}-idiomatic", broker=f"kafka://{bootstrap}", store="rocksdb://", datadir=mkdtemp(), web_enabled=False,
        topic_disable_leader=True, topic_partitions=PARTITIONS, consumer_auto_offset_reset="earliest",
        broker_session_timeout=SESSION_SECONDS, broker_heartbeat_interval=SESSION_SECONDS / 5,
    )  # fmt: skip
    sums = app.Table("sums", default=float, partitions=PARTITIONS)

    @app.agent(app.topic(topic, value_serializer="raw", key_serializer="raw"))
    async def fold(stream: Any) -> None:
        async for value in stream:
            event = orjson.loads(value)
            data = event["data"]
            sums[f"{data['tenant']}|{data['service']}|{event['time'][:16]}"] += data.get("units", 0)
            if watch.add(1):
                finish(watch.figures())

    faust.Worker(app, loglevel="error").execute_from_commandline()


def main() -> None:
    """Run the peer that the arguments name."""
    name, bootstrap, topic, count = sys.argv[1:]
    watch = Watch(int(count))
    if name == "raw-aiokafka":
        uvloop.run(raw_aiokafka(bootstrap, topic, watch))
    else:
        idiomatic_faust(bootstrap, topic, watch)
    finish(watch.figures())


if __name__ == "__main__":
    main()
