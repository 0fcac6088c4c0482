"""What a batch of statuses does to the flags of one partition, before any of it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tables.flags import FlagsRow, decode, rows

if TYPE_CHECKING:
    from agents.ports import Tenure
    from domain.flag_leases import Change, Transition


class Move(NamedTuple):
    """What one status, tombstone or moment does to a budget; `time` is that of its events, epoch seconds."""

    key: bytes
    version: int
    transition: Transition
    time: int


class Staging:
    """The rows of one partition as they will be, and what is to be told, until both are written."""

    def __init__(self, table: Tenure) -> None:
        self._table = table
        self.before: dict[bytes, FlagsRow | None] = {}
        self.after: dict[bytes, FlagsRow] = {}
        self.changes: list[tuple[Change, int]] = []

    def row(self, key: bytes) -> FlagsRow | None:
        """Return the row of a budget as it is by now."""
        return self.after[key] if key in self.after else self._stored(key)

    def _stored(self, key: bytes) -> FlagsRow | None:
        row = self._table.get(key)
        return None if row is None else decode(row)

    def add(self, move: Move) -> None:
        """Stage a move, unless it leaves everything as it is."""
        known, flags = self.row(move.key), move.transition.flags
        if (known is None and not flags.states) or (known is not None and known.flags == flags):
            return
        self.before.setdefault(move.key, known)
        self.after[move.key] = FlagsRow(move.version, flags)
        self.changes += [(change, move.time) for change in move.transition.changes]

    async def commit(self) -> None:
        """Write all rows."""
        written: dict[bytes, bytes | None] = {}
        for key, after in self.after.items():
            written |= rows(self.before[key], after)
        await self._table.commit(written)
