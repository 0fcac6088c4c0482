"""Pathway: `pw.io.kafka.read`, `groupby`, `reduce`, `pw.io.subscribe`, as its tutorials show them.

All of it runs in its Rust engine; totals come out by commits, every 100 ms. No persistence: state does not survive.
"""

from __future__ import annotations

from typing import Any

import pathway as pw

from bench.simple.librdkafka import FETCHING
from bench.simple.sums import MINUTE, Cell, finish, task
from bench.watch import Watch

# The embedded broker lets the first member of a group wait half of it.
SESSION_MS = "6000"


class Event(pw.Schema):
    """The columns that are used."""

    key: str
    time: str
    units: int


def main() -> None:
    """Sum up everything."""
    job = task()
    sums: dict[Cell, int] = {}
    counts: dict[Cell, int] = {}
    stopwatch = Watch(job.events)
    handled = 0

    def take(key: Any, row: dict[str, Any], time: int, is_addition: bool) -> None:  # noqa: FBT001 - its signature
        nonlocal handled
        del key, time
        if is_addition:
            cell = row["key"], row["minute"]
            handled += row["events"] - counts.get(cell, 0)
            sums[cell], counts[cell] = row["units"], row["events"]

    def committed(time: int) -> None:
        nonlocal handled
        del time
        if handled and stopwatch.add(handled):
            finish(stopwatch, sums)
        handled = 0

    settings = {
        "bootstrap.servers": job.bootstrap,
        "group.id": job.group,
        "auto.offset.reset": "earliest",
        "session.timeout.ms": SESSION_MS,
        **FETCHING,
    }
    read = pw.io.kafka.read(settings, topic=job.topic, schema=Event, format="json", autocommit_duration_ms=100)
    keyed = read.select(pw.this.key, pw.this.units, minute=pw.this.time.str.slice(0, MINUTE))
    totals = keyed.groupby(pw.this.key, pw.this.minute).reduce(
        pw.this.key, pw.this.minute, units=pw.reducers.sum(pw.this.units), events=pw.reducers.count()
    )
    pw.io.subscribe(totals, on_change=take, on_time_end=committed)
    pw.run(monitoring_level=pw.MonitoringLevel.NONE)


if __name__ == "__main__":
    main()
