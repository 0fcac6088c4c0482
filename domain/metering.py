"""Folding metered events into running totals: attribute, price, sum; exact, and the same again on replay.

One `Meter` holds what a worker knows of one source partition. `fold` takes a batch and returns what is to be
written and sent; it performs nothing itself. Quantities are summed first and priced once per cell, which is exact
because a price is linear (a tier by context size is part of the price's identity).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from domain.codec import decode
from domain.identities import Identities, Packed, identity
from domain.money import EXACT, ZERO
from domain.pricing import disjoint
from domain.rejection import Rejected
from domain.scope import UNATTRIBUTED
from domain.totals import Total
from domain.usage import LLM_TOKENS, NO_ATTRIBUTES
from domain.windows import DAY, MINUTE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Protocol

    from domain.ownership import Ownership
    from domain.pricing import PriceBook, Quote
    from domain.usage import UsageEvent, UsageMetered

    class RawRecord(Protocol):
        """What is read of a Kafka record."""

        offset: int
        value: bytes | None
        headers: Sequence[tuple[str, bytes]]


# An event this much older than the newest one of its partition counts as late (it is folded all the same).
LATE_SECONDS: Final = 300
# Rows are remembered while the process lives, up to this many; the oldest half is forgotten beyond.
MAX_REMEMBERED_ROWS: Final = 40_000


class Cell(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is summed together: the full scope and what makes it cost what it costs."""

    tenant: str
    environment: str
    feature: str
    service: str
    team: str
    resource_type: str
    price_id: str
    cost_unit: str


class MeterRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Running total of a cell in one minute from one source partition.

    `version` is the highest source offset folded in. `first` is that of the first event: it names this
    accumulation, should the row expire and a very late event start another. `amount` is None without a price.
    """

    version: int
    first: int
    events: int
    units: Decimal
    amount: Decimal | None


class CellKey(NamedTuple):
    """A cell in the minute that starts at `minute` (epoch seconds)."""

    minute: int
    cell: Cell


@dataclass
class Folded:
    """What a batch comes to."""

    last_offset: int
    rows: dict[CellKey, MeterRow] = field(default_factory=dict)
    identities: list[Packed] = field(default_factory=list)
    rejected: list[tuple[RawRecord, str]] = field(default_factory=list)
    events: int = 0
    duplicates: int = 0
    late: int = 0
    unpriced: int = 0
    unattributed: int = 0

    def totals(self) -> list[Total]:
        """Return the touched running totals, as `cost-totals` carries them."""
        return [total(key, row) for key, row in self.rows.items()]


def total(key: CellKey, row: MeterRow) -> Total:
    """Return a running total as `cost-totals` carries it."""
    cell = key.cell
    return Total(
        key.minute, cell.tenant, cell.environment, cell.feature, cell.service, cell.team,
        cell.resource_type, cell.price_id, cell.cost_unit,
        row.version, row.first, row.events, row.units, row.amount,
    )  # fmt: skip


class _Sum:
    """What a batch adds to one cell."""

    __slots__ = ("counts", "events", "first", "last", "quote", "units")

    def __init__(self, quote: Quote | None, offset: int) -> None:
        self.quote = quote
        self.first = offset
        self.last = offset
        self.events = 0
        self.units: Decimal | int = 0
        self.counts: list[int] | None = None

    def amount(self) -> Decimal | None:
        """Price the quantities; None without a price."""
        if self.quote is None:
            return None
        if self.counts is None:
            return self.quote.rates[0] * self.units
        return sum((rate * count for rate, count in zip(self.quote.rates, self.counts, strict=True) if count), ZERO)


class Meter:
    """The running totals of one source partition.

    `read` returns the stored row of a cell; `position` is the highest version of any stored row, and up to `done` all
    events are folded; `watermark` is the newest event time seen (epoch seconds).
    """

    def __init__(
        self,
        *,
        book: PriceBook,
        ownership: Ownership,
        read: Callable[[CellKey], MeterRow | None],
        identities: Identities,
        position: int = -1,
        done: int = -1,
        watermark: int = 0,
    ) -> None:
        self.position = position
        self.done = done
        self.watermark = watermark
        self.identities = identities
        self._book = book
        self._ownership = ownership
        self._read = read
        self._rows: dict[CellKey, MeterRow] = {}

    def fold(self, records: Sequence[RawRecord]) -> Folded:
        """Fold a batch: records of one partition in offset order."""
        folded = Folded(last_offset=records[-1].offset)
        replay = records[0].offset <= self.position
        with localcontext(EXACT):
            sums = self._sum(self._admit(records, folded), folded, replay=replay)
            for key, added in sums.items():
                row = self._add(key, added)
                if row is not None:
                    folded.rows[key] = row
        self._remember(folded)
        return folded

    def row(self, key: CellKey) -> MeterRow | None:
        """Return the running total of a cell."""
        row = self._rows.get(key)
        return self._read(key) if row is None else row

    def _admit(self, records: Sequence[RawRecord], folded: Folded) -> list[tuple[int, int, UsageEvent]]:
        """Return `(offset, event time, event)` of the valid events that are no duplicates."""
        valid: list[tuple[int, int, UsageEvent]] = []
        hashes: list[int] = []
        for record in records:
            event = decode(record.value, record.headers)
            if isinstance(event, Rejected):
                folded.rejected.append((record, event.reason))
            else:
                valid.append((record.offset, int(event.time.timestamp()), event))
                hashes.append(identity(event.source, event.id))
        fresh, folded.identities = self.identities.admit(
            hashes, [offset for offset, _, _ in valid], [time for _, time, _ in valid]
        )
        folded.duplicates = len(valid) - sum(fresh)
        return [entry for entry, new in zip(valid, fresh, strict=True) if new]

    def _sum(
        self, events: Sequence[tuple[int, int, UsageEvent]], folded: Folded, *, replay: bool
    ) -> dict[CellKey, _Sum]:
        sums: dict[CellKey, _Sum] = {}
        watermark = self.watermark
        for offset, time, event in events:
            if time > watermark:
                watermark = time
            elif time < watermark - LATE_SECONDS:
                folded.late += 1
            key, quote = self._attribute(event.data, time, folded)
            added = sums.get(key)
            if added is None:
                added = sums[key] = _Sum(quote, offset)
            if replay and (offset <= self.done or self._holds(key, offset)):
                continue
            _count(added, event.data, offset)
        folded.events = len(events)
        self.watermark = watermark
        return sums

    def _attribute(self, data: UsageMetered, time: int, folded: Folded) -> tuple[CellKey, Quote | None]:
        service = data.service or UNATTRIBUTED
        tenant, environment = data.tenant or UNATTRIBUTED, data.environment or UNATTRIBUTED
        feature = data.feature or UNATTRIBUTED
        team = data.team or (data.service and self._ownership.team_of(data.service)) or UNATTRIBUTED
        if UNATTRIBUTED in (tenant, environment, feature, service, team):
            folded.unattributed += 1
        context = data.usage.input_tokens if data.usage is not None else 0
        quote = self._book.quote(data.resource_type, data.attributes or NO_ATTRIBUTES, time, context)
        if quote is None:
            folded.unpriced += 1
        price_id = "" if quote is None else quote.id
        cell = Cell(tenant, environment, feature, service, team, data.resource_type, price_id, data.cost_unit or "")
        return CellKey(time - time % MINUTE, cell), quote

    def _holds(self, key: CellKey, offset: int) -> bool:
        row = self.row(key)
        return row is not None and offset <= row.version

    def _add(self, key: CellKey, added: _Sum) -> MeterRow | None:
        row = self.row(key)
        if not added.events:
            return row
        amount, units = added.amount(), Decimal(added.units)
        if row is None:
            return MeterRow(added.last, added.first, added.events, units, amount)
        total = None if amount is None else amount + (row.amount or ZERO)
        return MeterRow(added.last, row.first, row.events + added.events, row.units + units, total)

    def _remember(self, folded: Folded) -> None:
        self.position = max(self.position, folded.last_offset)
        self.done = max(self.done, folded.last_offset)
        if len(self._rows) > MAX_REMEMBERED_ROWS:
            for key in list(self._rows)[: MAX_REMEMBERED_ROWS // 2]:
                del self._rows[key]
        self._rows.update(folded.rows)


def _count(added: _Sum, data: UsageMetered, offset: int) -> None:
    added.events += 1
    added.last = offset
    if data.resource_type != LLM_TOKENS:
        added.units += data.units  # type: ignore[operator] - validated by the codec
        return
    usage = data.usage
    counts = disjoint(usage)  # type: ignore[arg-type] - validated by the codec
    if added.counts is None:
        added.counts = list(counts)  # type: ignore[arg-type] - as above
    else:
        added.counts = [old + new for old, new in zip(added.counts, counts, strict=True)]  # type: ignore[arg-type]
    added.units += usage.input_tokens + usage.output_tokens  # type: ignore[union-attr]


def retained_day(watermark: int, days: int) -> int:
    """Return the first day (days since 1970) that is kept when `watermark` is the newest event time."""
    return watermark // DAY - days
