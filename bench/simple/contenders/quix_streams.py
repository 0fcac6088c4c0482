"""Quix Streams: a tumbling window of a minute with `sum().current()`, as its guide to windows shows it.

Its state is RocksDB with a changelog, its defaults otherwise.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from tempfile import mkdtemp
from typing import Any

from quixstreams import Application

from bench.simple.librdkafka import FETCHING
from bench.simple.sums import finish, task
from bench.watch import Watch


def _event_time(value: Any, *_: object) -> int:
    return int(datetime.fromisoformat(value["time"]).timestamp() * 1000)


def main() -> None:
    """Sum up everything."""
    job = task()
    newest: dict[tuple[str, int], int] = {}
    stopwatch = Watch(job.events)

    def take(value: Any, key: Any, timestamp: int, headers: Any) -> None:
        del timestamp, headers
        newest[key, value["start"]] = value["value"]
        if stopwatch.add(1):
            finish(stopwatch, {(key, _minute(start)): units for (key, start), units in newest.items()})

    app = Application(
        broker_address=job.bootstrap,
        consumer_group=job.group,
        auto_offset_reset="earliest",
        consumer_extra_config=FETCHING,
        state_dir=mkdtemp(),
        loglevel="WARNING",
    )
    topic = app.topic(job.topic, key_deserializer="str", value_deserializer="json", timestamp_extractor=_event_time)
    frame = app.dataframe(topic)
    frame = frame.apply(lambda value: value["units"])
    frame = frame.tumbling_window(timedelta(minutes=1), grace_ms=timedelta(minutes=1)).sum().current()
    frame.update(take, metadata=True)
    app.run()


def _minute(start: int) -> str:
    return datetime.fromtimestamp(start / 1000, UTC).strftime("%Y-%m-%dT%H:%M")


if __name__ == "__main__":
    main()
