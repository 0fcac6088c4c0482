"""Folding metered events into running totals: attribute, price, sum; exact, and the same again on replay.

One `Meter` holds what a worker knows of one source partition. `fold` takes a batch and returns what is to be
written and sent; it performs nothing itself. Quantities are summed first and priced once per cell: a price is linear.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from domain.cell_sums import CellSum
from domain.codec import Quantity, decode_metered
from domain.identities import Identities, Packed, identity
from domain.money import EXACT, ZERO
from domain.rejection import Rejected
from domain.scope import UNATTRIBUTED
from domain.totals import Total
from domain.usage import LLM_TOKENS, NO_ATTRIBUTES
from domain.users import MENTION, Newcomers, Seen, user_of
from domain.windows import DAY, MINUTE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Protocol

    from domain.ownership import Ownership
    from domain.pricing import PriceBook
    from domain.usage import UsageEvent

    class RawRecord(Protocol):
        """A Kafka record; offset, value and headers are read."""

        offset: int
        timestamp: int
        key: bytes | None
        value: bytes | None
        headers: Sequence[tuple[str, bytes]]


# An event this much older than the newest one of its partition counts as late (it is folded all the same).
LATE_SECONDS: Final = 300
# Batches of fewer events say little about where most of their sources are.
FEW_EVENTS: Final = 16
# Days of event time for which totals are accumulated: longer than ids are remembered, shorter than the cost tables keep
# what they came to, so that a total which grows always finds there what it is to overwrite.
RETENTION_DAYS: Final = 40
# Rows are remembered while the process lives, up to this many; the oldest half is forgotten beyond.
MAX_REMEMBERED_ROWS: Final = 40_000


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
    """What is summed together: the minute (epoch seconds), the full scope, and what makes it cost what it costs."""

    minute: int
    tenant: str
    environment: str
    feature: str
    service: str
    team: str
    resource_type: str
    price_id: str
    cost_unit: str


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
    seen: list[Seen] = field(default_factory=list)

    def totals(self) -> list[Total]:
        """Return the touched running totals, as `cost-totals` carries them."""
        return [total(key, row) for key, row in self.rows.items()]


def total(key: CellKey, row: MeterRow) -> Total:
    """Return a running total as `cost-totals` carries it."""
    return Total(*key, row.version, row.first, row.events, row.units, row.amount)


# offset, event time in epoch seconds, event, quantity
_Admitted = tuple[int, int, "UsageEvent", Quantity]


class Meter:
    """The running totals of one source partition.

    `read` returns the stored row of a cell; `position` is the highest version of any stored row, and up to `done` all
    events are folded; `watermark` is the event time that most events have reached, `reached` that of the newest one
    that is not in the future (epoch seconds).
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
        reached: int = 0,
    ) -> None:
        self.position = position
        self.done = done
        self.watermark = self.newest = watermark
        self.reached = max(reached, watermark)
        self.identities = identities
        self._book = book
        self._ownership = ownership
        self._read = read
        self._rows: dict[CellKey, MeterRow] = {}
        self._newcomers = Newcomers()

    def fold(self, records: Sequence[RawRecord], now: int, newest: int = 0) -> Folded:
        """Fold a batch: records of one partition in offset order; `now` is the time (epoch seconds).

        `newest` is the event time that any source has reached, as far as is known: what is long before it is not
        accumulated further, for the cost tables may have expired what it came to. It begins anew, beside that.
        """
        folded = Folded(last_offset=records[-1].offset)
        replay = records[0].offset <= self.position
        with localcontext(EXACT):
            events = self._admit(records, folded)
            self._advance([event[1] for event in events], now, folded)
            sums = self._sum(events, folded, replay=replay)
            oldest = self.oldest(now, newest)
            folded.seen = self._newcomers.take(oldest)
            for key, added in sums.items():
                row = self._add(key, added, oldest)
                if row is not None:
                    folded.rows[key] = row
        self._remember(folded)
        return folded

    def oldest(self, now: int, newest: int = 0) -> int:
        """Return the first minute whose totals are still accumulated; `newest` as in `fold`."""
        return retained_day(min(max(self.watermark, newest), now + DAY), RETENTION_DAYS) * DAY

    def row(self, key: CellKey) -> MeterRow | None:
        """Return the running total of a cell."""
        row = self._rows.get(key)
        return self._read(key) if row is None else row

    def _admit(self, records: Sequence[RawRecord], folded: Folded) -> list[_Admitted]:
        """Return the valid events that are no duplicates."""
        valid: list[_Admitted] = []
        hashes: list[int] = []
        for record in records:
            read = decode_metered(record.value, record.headers)
            if isinstance(read, Rejected):
                folded.rejected.append((record, read.reason))
                continue
            time, event, quantity = read
            valid.append((record.offset, time, event, quantity))
            hashes.append(identity(event.source, event.id))
            if MENTION in record.value and event.data.tenant and (user := user_of(record.value)):  # type: ignore[operator,arg-type]
                self._newcomers.see(time, event.data.tenant, user)
        fresh, folded.identities = self.identities.admit(
            hashes, [admitted[0] for admitted in valid], [admitted[1] for admitted in valid]
        )
        folded.duplicates = fresh.count(False)
        return valid if not folded.duplicates else [one for one, new in zip(valid, fresh, strict=True) if new]

    def _sum(self, events: Sequence[_Admitted], folded: Folded, *, replay: bool) -> dict[CellKey, CellSum]:
        sums: dict[CellKey, CellSum] = {}
        quote_of, team_of = self._book.quote, self._ownership.team_of
        for offset, time, event, quantity in events:
            data = event.data
            tenant, environment, feature, service = data.tenant, data.environment, data.feature, data.service
            team = data.team or (team_of(service) if service else None)
            context = 0 if data.usage is None else data.usage.input_tokens
            quote = quote_of(data.resource_type, data.attributes or NO_ATTRIBUTES, time, context)
            # A plain tuple hashes and compares like the CellKey that it stands for, and is made in half the time.
            key: Any = (
                time - time % MINUTE,
                tenant or UNATTRIBUTED,
                environment or UNATTRIBUTED,
                feature or UNATTRIBUTED,
                service or UNATTRIBUTED,
                team or UNATTRIBUTED,
                data.resource_type,
                "" if quote is None else quote.id,
                data.cost_unit or "",
            )
            added = sums.get(key)
            if added is None:
                is_attributed = bool(tenant and environment and feature and service and team)
                added = sums[CellKey._make(key)] = CellSum(quote, offset, is_attributed=is_attributed)
            if quote is None:
                folded.unpriced += 1
            if not added.is_attributed:
                folded.unattributed += 1
            if replay and (offset <= self.done or self._holds(CellKey._make(key), offset)):
                added.is_replay = True
                added.first = offset + 1
                continue
            added.last = offset
            added.quantities.append(quantity)
        folded.events = len(events)
        return sums

    def _advance(self, times: list[int], now: int, folded: Folded) -> None:
        """Move the watermark to the time that most of these events have reached, and count what is late.

        Never beyond the clock: a source whose clock is ahead would close the windows of all others.
        """
        if not times:
            return
        times.sort()
        self.newest = max(self.newest, times[-1])
        most = times[len(times) // 2] if len(times) >= FEW_EVENTS else times[-1]
        self.watermark = max(self.watermark, min(most, now))
        past = bisect_right(times, now)
        self.reached = max(self.reached, self.watermark, times[past - 1] if past else 0)
        folded.late = bisect_left(times, self.watermark - LATE_SECONDS)

    def _holds(self, key: CellKey, offset: int) -> bool:
        row = self.row(key)
        return row is not None and offset <= row.version

    def _add(self, key: CellKey, added: CellSum, oldest: int) -> MeterRow | None:
        row = self.row(key)
        if not added.quantities:
            return row
        if key.minute < oldest and not added.is_replay:
            # What a crash may have kept from being sent is sent first: by the replay, which goes on with it.
            row = None
        events = len(added.quantities)
        units, amount = added.units_and_amount(tokens=key.resource_type == LLM_TOKENS)
        if row is None:
            return MeterRow(added.last, added.first, events, units, amount)
        grown = None if amount is None else amount + (row.amount or ZERO)
        return MeterRow(added.last, row.first, row.events + events, row.units + units, grown)

    def _remember(self, folded: Folded) -> None:
        self.position = max(self.position, folded.last_offset)
        self.done = max(self.done, folded.last_offset)
        if len(self._rows) > MAX_REMEMBERED_ROWS:
            for key in list(self._rows)[: MAX_REMEMBERED_ROWS // 2]:
                del self._rows[key]
        self._rows.update(folded.rows)


def retained_day(watermark: int, days: int) -> int:
    """Return the first day (days since 1970) that is kept when `watermark` is the newest event time."""
    return watermark // DAY - days
