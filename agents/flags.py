"""Budgets to feature flags.

Reads `budget-status` in batches, by budget; keeps the variants in force in the `flags` table; emits
`costguard.flag.changed` on `flag-changed`, keyed by flag, when a variant changes, and shows the flags in the
view (`agents.flags_view`). A lease that runs out is released by `tick`, once a second.

Changes are published, then committed: a crash in between publishes them again under the same ids. Statuses
that the row has seen already, by offset, are skipped. What cannot be read goes to `dead-letter`.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from agents import batch as batches
from agents.flags_staging import Move, Staging
from agents.flags_view import FlagBoard
from domain.flag_events import change_event, change_id
from domain.flag_leases import apply, delete, expire, parse_status
from domain.rejection import Rejected
from domain.windows import stamped
from tables.flags import BUDGET, LEASE, budget_key, decode, read_lease
from tables.tenure import PartitionLostError

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable

    import faust

    from agents.batch import Batch
    from agents.flags_view import View
    from agents.ports import Clock, Outgoing, Publisher, Record, Table, Tenure
    from domain.flag_leases import Change

logger = logging.getLogger(__name__)

TICK_SECONDS: Final = 1.0
# A view that lost its memory is whole again after this long.
REPAIR_SECONDS: Final = 10.0


@dataclass(slots=True)
class Flags:
    """The flags of the partitions that this process owns."""

    table: Table
    publisher: Publisher
    view: View
    flag_changed: str
    dead_letters: str
    clock: Clock
    _board: FlagBoard = field(init=False)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _epoch: int = -1
    _repaired: float = 0.0

    def __post_init__(self) -> None:
        self._board = FlagBoard(self.view)

    async def handle(self, batch: Batch) -> None:
        """Follow the statuses of one batch."""
        letters: list[Outgoing] = []
        async with self._lock:
            staging = Staging(self.table.tenure(batch.partition))
            for record in batch.records:
                move = self._read(record, staging)
                if isinstance(move, Rejected):
                    letters.append((None, batch.dead_letter("flags", record, move.reason, self.clock()), None))
                elif move is not None:
                    staging.add(move)
            await self.publisher.send_many(self.dead_letters, letters)
            await self._save(staging)
        await self._board.flush()

    def _read(self, record: Record, staging: Staging) -> Move | Rejected | None:
        if record.value is None:
            return self._read_tombstone(record, staging)
        event = parse_status(record.value)
        if isinstance(event, Rejected):
            return event
        key = budget_key(event.data.budget_id)
        known = staging.row(key)
        if known is not None and record.offset <= known.version:
            return None
        transition = apply(known.flags if known else None, event.data, self.clock())
        return Move(key, record.offset, transition, int(event.time.timestamp()))

    def _read_tombstone(self, record: Record, staging: Staging) -> Move | Rejected | None:
        if record.key is None:
            return Rejected("neither key nor value: this deletes nothing")
        key = BUDGET + record.key
        known = staging.row(key)
        if known is None or record.offset <= known.version:
            return None
        return Move(key, record.offset, delete(known.flags), stamped(record.timestamp) // 1000)

    async def _save(self, staging: Staging) -> None:
        told = [self._outgoing(change, time) for change, time in staging.changes]
        await self.publisher.send_many(self.flag_changed, told)
        await staging.commit()
        for change, _ in staging.changes:
            logger.info("flag changed", extra={"about": _about(change)})
        for key, after in staging.after.items():
            before = staging.before[key]
            self._board.put(before.flags if before else None, after.flags)

    def _outgoing(self, change: Change, time: int) -> Outgoing:
        event = change_event(change, time=time, recorded=int(self.clock()))
        return change.state.key.encode(), event, None

    async def tick(self) -> None:
        """Release what ran out, and bring the view up to date."""
        try:
            async with self._lock:
                for _, rows in self.table.tenures():
                    await self._release(rows)
                await self._repair()
        except PartitionLostError:
            logger.info("a partition was taken away while its leases were released; its new owner does that")
        await self._board.flush()

    async def _release(self, rows: Tenure) -> None:
        now = self.clock()
        staging = Staging(rows)
        for lease, _ in rows.scan(LEASE):
            until, key = read_lease(lease)
            if until > now:
                break
            known = staging.row(key)
            if known is not None:
                staging.add(Move(key, known.version, expire(known.flags, now), until))
        await self._save(staging)

    async def _repair(self) -> None:
        """Show everything again after a rebalance, and now and then."""
        epoch, now = self.table.epoch, self.clock()
        if epoch == self._epoch and now - self._repaired < REPAIR_SECONDS:
            return
        owned = [row for _, rows in self.table.tenures() for _, row in rows.scan(BUDGET)]
        if await self._board.repair(decode(row).flags for row in owned):
            self._epoch, self._repaired = epoch, now


def _about(change: Change) -> dict[str, str | None]:
    """Return what leads from the log of a change to the budget whose threshold caused it."""
    return {
        "event_id": change_id(change),
        "flag": change.state.key,
        "variant": change.state.variant,
        "previous": change.previous,
        "budget_id": change.flags.budget_id,
        "caused_by": change.cause,
    }


def install(
    app: faust.App, *, channel: faust.ChannelT[Any], flags: Flags, fatal: Callable[[BaseException], None]
) -> None:
    """Register the agent `flags` on `budget-status`, and its timer."""

    @app.agent(channel, name="flags")
    async def follow(stream: AsyncIterable[Any]) -> None:
        await batches.each(stream, flags.handle, fatal)

    @app.timer(interval=TICK_SECONDS, name="flag-leases")  # type: ignore[untyped-decorator]
    async def release() -> None:
        await flags.tick()
