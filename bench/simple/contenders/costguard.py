"""An agent of ours, by the recipe in CONTRIBUTING.md: whole fetches, a ledger table, strict acknowledgement.

Each row is `[version, units]`; a record at or below its row's version is folded already, so a replay adds nothing.
A batch counts once the broker has acknowledged its rows in the changelog and RocksDB has them.
"""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

import msgspec
from mode import loop as event_loop

from agents.batch import Batch, each
from bench.simple.sums import MINUTE, Cell, finish, task
from bench.watch import Watch
from tables.tenure import chunks

if TYPE_CHECKING:
    from collections.abc import AsyncIterable

    from agents.ports import Table, Tenure

NAME = "sums"
PARTITIONS = 4


class Event(msgspec.Struct, gc=False):
    """What is read of an event."""

    key: str
    time: str
    units: int


class Row(msgspec.Struct, array_like=True, gc=False):
    """Units of a key in a minute, up to the offset `version`."""

    version: int = -1
    units: int = 0


decode_event = msgspec.json.Decoder(Event).decode
encode_row = msgspec.msgpack.Encoder().encode
decode_row = msgspec.msgpack.Decoder(Row).decode


class Summing:
    """Folds batches into the table."""

    def __init__(self, table: Table, stopwatch: Watch) -> None:
        self._table = table
        self._stopwatch = stopwatch

    async def handle(self, batch: Batch) -> None:
        """Fold one batch; return when its rows are acknowledged."""
        self._stopwatch.start()
        table = self._table.tenure(batch.partition)
        rows: dict[Cell, Row] = {}
        for record in batch.records:
            event = decode_event(record.value or b"")
            cell = event.key, event.time[:MINUTE]
            row = rows.get(cell)
            if row is None:
                row = rows[cell] = _read(table, cell)
            if record.offset > row.version:
                row.units += event.units
        for row in rows.values():
            row.version = max(row.version, batch.last_offset)
        encoded: dict[bytes, bytes | None] = {_name(cell): encode_row(row) for cell, row in rows.items()}
        for chunk in chunks(encoded):
            await table.commit(chunk)
        if self._stopwatch.add(len(batch.records)):
            finish(self._stopwatch, self.sums())

    def sums(self) -> dict[Cell, int]:
        """Return what the table holds."""
        rows = [row for _, table in self._table.tenures() for row in table.scan()]
        return {_cell(name): decode_row(row).units for name, row in rows}


def _read(table: Tenure, cell: Cell) -> Row:
    stored = table.get(_name(cell))
    return Row() if stored is None else decode_row(stored)


def _name(cell: Cell) -> bytes:
    return "|".join(cell).encode()


def _cell(name: bytes) -> Cell:
    key, _, minute = name.decode().partition("|")
    return key, minute


def main() -> None:
    """Sum up everything."""
    event_loop.use("uvloop")
    import faust  # noqa: PLC0415 - the event loop has to be chosen before anything of Faust is imported

    from app import processes  # noqa: PLC0415 - likewise
    from app.adapters import lean_records  # noqa: PLC0415 - likewise
    from app.adapters.kafka import Publisher, create_topics  # noqa: PLC0415 - likewise
    from app.main import fatal  # noqa: PLC0415 - likewise
    from app.topology import CHANGELOG_CONFIG  # noqa: PLC0415 - likewise

    job = task()
    identifier = f"simple-{job.group}"
    changelog = processes.changelog_of(identifier, NAME)
    asyncio.run(create_topics(job.bootstrap, {changelog: CHANGELOG_CONFIG}, partitions=PARTITIONS, replication=1))
    lean_records.install()
    gc.set_threshold(100_000, 20, 50)
    app = processes.build(
        identifier,
        bootstrap=job.bootstrap,
        embedded_broker=job.broker == "embedded",
        data_dir=Path(mkdtemp()),
        batched={job.topic, changelog},
        session_timeout=10,
    )
    table = processes.table(app, NAME, PARTITIONS)
    table.bind(Publisher(job.bootstrap), fatal)
    summing = Summing(table, Watch(job.events))

    @app.agent(app.topic(job.topic, key_type=bytes, value_type=bytes), name="summing")
    async def sum_up(stream: AsyncIterable[Any]) -> None:
        await each(stream, summing.handle, fatal)

    worker = faust.Worker(app, loglevel="warning", quiet=True, logging_config=None, override_logging=False)
    worker.execute_from_commandline()


if __name__ == "__main__":
    main()
