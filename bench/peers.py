"""What else one would write: consumers of the same topic that sum the same events, each in a process of its own.

Run as `python -m bench.peers NAME BOOTSTRAP TOPIC COUNT`; prints one JSON line with events per second and CPU seconds
per million events, from the first record to the last.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import defaultdict
from tempfile import TemporaryDirectory
from typing import Any

import orjson


class Watch:
    """Measures from the first events to the last."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.seen = 0
        self._wall = self._cpu = 0.0

    def start(self) -> None:
        """Start to measure, unless that has been done."""
        if not self._wall:
            self._wall, self._cpu = time.perf_counter(), time.process_time()

    def add(self, events: int) -> bool:
        """Count events; True when all are seen."""
        self.start()
        self.seen += events
        return self.seen >= self.count

    def report(self) -> dict[str, float]:
        """Return the figures."""
        wall, cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu
        return {"events_per_second": round(self.seen / wall), "cpu_s_per_million": round(cpu / self.seen * 1e6, 2)}


async def raw_aiokafka(bootstrap: str, topic: str, watch: Watch) -> None:
    """`getmany`, orjson and a dictionary: no framework, no state that survives, nothing sent."""
    from aiokafka import AIOKafkaConsumer  # noqa: PLC0415 - each peer imports its own client

    sums: defaultdict[tuple[str, str, str], float] = defaultdict(float)
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest", max_partition_fetch_bytes=8 << 20
    )
    await consumer.start()
    done = False
    while not done:
        for records in (await consumer.getmany(timeout_ms=500)).values():
            done = watch.add(len(records))
            for record in records:
                event = orjson.loads(record.value or b"")
                data = event["data"]
                sums[data["tenant"], data["service"], event["time"][:16]] += data.get("units", 0)
    await consumer.stop()


def idiomatic_faust(bootstrap: str, topic: str, watch: Watch) -> None:
    """`async for event in stream: table[key] += units`, as Faust's documentation shows it, on RocksDB."""
    import faust  # noqa: PLC0415 - each peer imports its own client

    with TemporaryDirectory() as directory:
        app = faust.App(
            "bench-idiomatic", broker=f"kafka://{bootstrap}", store="rocksdb://", datadir=directory,
            web_enabled=False, topic_disable_leader=True, stream_wait_empty=False, topic_partitions=4,
            consumer_auto_offset_reset="earliest",
        )  # fmt: skip
        sums = app.Table("sums", default=float, partitions=4)

        @app.agent(app.topic(topic, value_serializer="raw", key_serializer="raw"))
        async def fold(stream: Any) -> None:
            async for value in stream:
                event = orjson.loads(value)
                data = event["data"]
                sums[f"{data['tenant']}|{data['service']}|{event['time'][:16]}"] += data.get("units", 0)
                if watch.add(1):
                    finish(watch)

        faust.Worker(app, loglevel="error").execute_from_commandline()


def finish(watch: Watch) -> None:
    """Print the figures and end at once: what a framework does while stopping is not measured."""
    # Not by sys.stdout: Faust turns it into log records.
    os.write(1, orjson.dumps(watch.report()) + b"\n")
    os._exit(0)


def main() -> None:
    """Run the peer that the arguments name."""
    name, bootstrap, topic, count = sys.argv[1:]
    watch = Watch(int(count))
    if name == "raw-aiokafka":
        asyncio.run(raw_aiokafka(bootstrap, topic, watch))
    else:
        idiomatic_faust(bootstrap, topic, watch)
    finish(watch)


if __name__ == "__main__":
    main()
