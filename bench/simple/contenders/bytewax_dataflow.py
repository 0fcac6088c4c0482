"""Bytewax: `kop.input`, `op.map`, `op.stateful_map` by key and minute, as its guide shows them.

A running total per event, as a counter is written there, not windows, which would also have to close. No recovery
store: state does not survive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import confluent_kafka
import orjson
from bytewax import operators as op
from bytewax.connectors.kafka import operators as kop
from bytewax.dataflow import Dataflow
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.testing import run_main

from bench.simple.librdkafka import FETCHING
from bench.simple.sums import MINUTE, finish, task
from bench.watch import Watch

if TYPE_CHECKING:
    from bytewax.connectors.kafka import KafkaSourceMessage

    from bench.simple.sums import Cell


class Totals(StatelessSinkPartition[tuple[str, int]]):
    """Keeps the newest total of each cell."""

    def __init__(self, stopwatch: Watch) -> None:
        self._stopwatch = stopwatch
        self._newest: dict[str, int] = {}

    def write_batch(self, items: list[tuple[str, int]]) -> None:
        """Take totals in the order in which they were made."""
        self._newest.update(items)
        if self._stopwatch.add(len(items)):
            finish(self._stopwatch, {_cell(name): units for name, units in self._newest.items()})


class Output(DynamicSink[tuple[str, int]]):
    """One `Totals`."""

    def __init__(self, stopwatch: Watch) -> None:
        self._stopwatch = stopwatch

    def build(self, step_id: str, worker_index: int, worker_count: int) -> Totals:
        """Return it."""
        del step_id, worker_index, worker_count
        return Totals(self._stopwatch)


def _cell(name: str) -> Cell:
    key, _, minute = name.partition("|")
    return key, minute


def _keyed(message: KafkaSourceMessage[bytes, bytes]) -> tuple[str, int]:
    event = orjson.loads(message.value)
    return f"{event['key']}|{event['time'][:MINUTE]}", event["units"]


def _add(total: int | None, units: int) -> tuple[int, int]:
    total = (total or 0) + units
    return total, total


def main() -> None:
    """Sum up everything."""
    job = task()
    flow = Dataflow("sums")
    read = kop.input(
        "read",
        flow,
        brokers=[job.bootstrap],
        topics=[job.topic],
        starting_offset=confluent_kafka.OFFSET_BEGINNING,
        add_config=FETCHING,
    )
    keyed = op.map("key", read.oks, _keyed)
    totals = op.stateful_map("sum", keyed, _add)
    op.output("write", totals, Output(Watch(job.events)))
    run_main(flow)


if __name__ == "__main__":
    main()
