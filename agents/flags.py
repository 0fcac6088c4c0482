"""Budgets to feature flags.

Reads `budget-status` in batches, by budget; keeps the variants in force in the `flags` table; emits
`costguard.flag.changed` on `flag-changed`, keyed by flag, when a variant changes, and writes the documents
that `GET /flags` serves into the view. A lease that runs out is released by `tick`, once a second.

Changes are published, then committed: a crash in between publishes them again under the same ids. Statuses
that the row has seen already, by offset, are skipped. A view that cannot be reached is caught up with later
and holds up nothing. What cannot be read goes to `dead-letter`.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import orjson

from agents import batch as batches
from domain.cloudevents import rejected
from domain.flag_events import change_event, document_field, documents
from domain.flag_leases import Transition, apply, delete, expire, parse_status
from domain.rejection import Rejected
from tables.flags import BUDGET, LEASE, FlagsRow, budget_key, decode, read_lease, rows
from tables.ledger import PartitionLostError

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Mapping

    import faust

    from agents.batch import Batch
    from agents.ports import Clock, Outgoing, Publisher, Record, Table
    from domain.flag_leases import BudgetFlags, Change

logger = logging.getLogger(__name__)

KIND: Final = "flags"
TICK_SECONDS: Final = 1.0
# A view that lost its memory is whole again after this long.
REFRESH_SECONDS: Final = 60.0


class View(Protocol):
    """Where `GET /flags` reads."""

    async def put_documents(self, kind: str, documents: Mapping[str, bytes | None]) -> None:
        """Write documents by field; None deletes."""


class _Staged(NamedTuple):
    """What a batch does to one budget: the row as stored, and as it will be."""

    before: FlagsRow | None
    after: FlagsRow


@dataclass(slots=True)
class Flags:
    """The flags of the partitions that this process owns."""

    table: Table
    publisher: Publisher
    view: View
    flag_changed: str
    dead_letters: str
    clock: Clock
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _unseen: dict[str, bytes | None] = field(default_factory=dict)
    _epoch: int = -1
    _refreshed: float = 0.0

    async def handle(self, batch: Batch) -> None:
        """Follow the statuses of one batch."""
        staged: dict[bytes, _Staged] = {}
        changed: list[Outgoing] = []
        letters: list[Outgoing] = []
        async with self._lock:
            for record in batch.records:
                followed = self._follow(record, staged)
                if isinstance(followed, Rejected):
                    letters.append((None, self._dead_letter(followed.reason, record), None))
                else:
                    changed.extend(followed)
            await self.publisher.send_many(self.dead_letters, letters)
            await self._save(batch.partition, staged, changed)
        await self._show()

    def _follow(self, record: Record, staged: dict[bytes, _Staged]) -> list[Outgoing] | Rejected:
        if record.value is None:
            return self._deleted(record, staged)
        event = parse_status(record.value)
        if isinstance(event, Rejected):
            return event
        key = budget_key(event.data.budget_id)
        known = self._known(record.partition, key, staged)
        if known is not None and record.offset <= known.version:
            return self._stage(record, key, Transition(known.flags), staged, time=0)
        moved = apply(known.flags if known else None, event.data, self.clock())
        return self._stage(record, key, moved, staged, time=int(event.time.timestamp()))

    def _deleted(self, record: Record, staged: dict[bytes, _Staged]) -> list[Outgoing] | Rejected:
        if record.key is None:
            return Rejected("neither key nor value: this deletes nothing")
        key = BUDGET + record.key
        known = self._known(record.partition, key, staged)
        if known is None or record.offset <= known.version:
            return []
        return self._stage(record, key, delete(known.flags), staged, time=record.timestamp // 1000)

    def _known(self, partition: int, key: bytes, staged: Mapping[bytes, _Staged]) -> FlagsRow | None:
        if key in staged:
            return staged[key].after
        row = self.table.get(partition, key)
        return None if row is None else decode(row)

    def _stage(
        self, record: Record, key: bytes, moved: Transition, staged: dict[bytes, _Staged], *, time: int
    ) -> list[Outgoing]:
        known = self._known(record.partition, key, staged)
        version = max(record.offset, known.version if known else 0)
        before = staged[key].before if key in staged else known
        staged[key] = _Staged(before, FlagsRow(version, moved.flags))
        self._unseen.update(_removed(known.flags if known else None, moved.flags))
        return [self._outgoing(change, time) for change in moved.changes]

    def _outgoing(self, change: Change, time: int) -> Outgoing:
        event = change_event(change, time=time, recorded=int(self.clock()))
        return change.entry.key.encode(), event, None

    async def _save(self, partition: int, staged: Mapping[bytes, _Staged], changed: list[Outgoing]) -> None:
        await self.publisher.send_many(self.flag_changed, changed)
        written: dict[bytes, bytes | None] = {}
        for before, after in staged.values():
            if before is None or before != after:
                written.update(rows(before, after))
            self._unseen.update(_shown(after.flags))
        await self.table.commit(partition, written)

    async def tick(self) -> None:
        """Release what ran out, and bring the view up to date."""
        try:
            async with self._lock:
                self._refresh()
                for partition in self.table.owned():
                    await self._release(partition)
        except PartitionLostError:
            logger.info("a partition was taken away while its leases were released; its new owner does that")
        await self._show()

    async def _release(self, partition: int) -> None:
        now = self.clock()
        staged: dict[bytes, _Staged] = {}
        changed: list[Outgoing] = []
        for lease, _ in self.table.scan(partition, LEASE):
            until, key = read_lease(lease)
            if until > now:
                break
            known = self._known(partition, key, {})
            if known is not None:
                moved = expire(known.flags, now)
                staged[key] = _Staged(known, FlagsRow(known.version, moved.flags))
                changed += [self._outgoing(change, until) for change in moved.changes]
        if staged:
            await self._save(partition, staged, changed)

    def _refresh(self) -> None:
        """Show everything again after a rebalance, and now and then."""
        epoch, now = self.table.epoch, self.clock()
        if epoch == self._epoch and now - self._refreshed < REFRESH_SECONDS:
            return
        self._epoch, self._refreshed = epoch, now
        for partition in self.table.owned():
            for _, row in self.table.scan(partition, BUDGET):
                self._unseen.update(_shown(decode(row).flags))

    async def _show(self) -> None:
        if not self._unseen:
            return
        shown, self._unseen = self._unseen, {}
        try:
            await self.view.put_documents(KIND, shown)
        except Exception as error:  # noqa: BLE001 - whatever the view's client raises, the next tick tries again
            logger.warning("flags are not shown yet: %s", type(error).__name__)
            self._unseen = {**shown, **self._unseen}

    def _dead_letter(self, reason: str, record: Record) -> bytes:
        return rejected(
            agent="flags",
            reason=reason,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            value=record.value,
            recorded=int(self.clock()),
        )


def _shown(flags: BudgetFlags) -> dict[str, bytes | None]:
    return {field: orjson.dumps(document) for field, document in documents(flags)}


def _removed(before: BudgetFlags | None, after: BudgetFlags) -> dict[str, bytes | None]:
    keys = {entry.key for entry in before.entries} if before else set()
    return {
        document_field(key, after.budget_id): None for key in keys - {entry.key for entry in after.entries}
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
