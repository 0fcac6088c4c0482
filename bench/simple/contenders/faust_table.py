"""Faust as it is documented: `async for event in stream: table[key] += units`, on RocksDB, with a changelog."""

from __future__ import annotations

from tempfile import mkdtemp
from typing import Any

import orjson
from mode import loop as event_loop

from bench.simple.sums import MINUTE, finish, task
from bench.watch import Watch

PARTITIONS = 4
# The embedded broker lets the first member of a group wait half of it.
SESSION_SECONDS = 10


def main() -> None:
    """Sum up everything."""
    event_loop.use("uvloop")
    import faust  # noqa: PLC0415 - the event loop has to be chosen before

    job = task()
    stopwatch = Watch(job.events)
    app = faust.App(
        job.group, broker=f"kafka://{job.bootstrap}", store="rocksdb://", datadir=mkdtemp(), web_enabled=False,
        topic_disable_leader=True, topic_partitions=PARTITIONS, consumer_auto_offset_reset="earliest",
        broker_session_timeout=SESSION_SECONDS, broker_heartbeat_interval=SESSION_SECONDS / 5,
    )  # fmt: skip
    table = app.Table("sums", default=int, partitions=PARTITIONS)

    @app.agent(app.topic(job.topic, key_type=str, value_type=bytes, key_serializer="raw", value_serializer="raw"))
    async def add(stream: Any) -> None:
        async for value in stream:
            event = orjson.loads(value)
            table[f"{event['key']}|{event['time'][:MINUTE]}"] += event["units"]
            if stopwatch.add(1):
                finish(stopwatch, {(key, minute): units for (key, _, minute), units in _cells(table)})

    faust.Worker(app, loglevel="error").execute_from_commandline()


def _cells(table: Any) -> Any:
    return [(name.partition("|"), units) for name, units in table.items()]


if __name__ == "__main__":
    main()
