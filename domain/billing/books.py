"""The bills of one partition of `billing-deltas`: what has come of each edition, and which editions count.

Rows of an edition are summed as they come, and count once the edition is closed and stands
(`domain.billing.editions`). What is folded is decided from what is stored, so a replay changes nothing: a row of an
edition by its ordinal, a row that stands for itself by its identity, and a sum, that a crash left half written, by the
offset of the last row in it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Protocol

import msgspec

from domain.billing.charges import ChargeKey, book, charges
from domain.billing.datasets import rival
from domain.billing.details import DetailPlace, detail_of, original_of, plus, quantity_of
from domain.billing.editions import Edition, standing
from domain.billing.resources import DearResources, ResourcesPlace, ResourcesRow, encode_resources
from domain.fx import MissingRateError
from domain.identities import identity
from domain.money import EXACT
from domain.rejection import Rejected
from domain.windows import stamped

if TYPE_CHECKING:
    from collections.abc import Callable

    from domain.billing.charges import Booked
    from domain.billing.delta import Delta
    from domain.billing.details import DetailRow
    from domain.fx import Rates

# The statement of rows that stand for themselves; they always count.
LOOSE = ""


class Progress(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How far an edition has come: the ordinal that is to come next, and what closed it, at which offset and time.

    `recorded` is the time of the closing record (milliseconds since 1970): from then on it is known.
    """

    part: str
    assembly: str
    expected: int = 0
    closed: Edition | None = None
    closed_at: int = -1
    recorded: int = 0

    @property
    def name(self) -> tuple[str, str]:
        """Part and assembly."""
        return self.part, self.assembly


class StatementRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A statement: its number in this partition, and its editions in the order in which they were first seen."""

    version: int
    number: int
    editions: list[Progress] = []

    def standing(self, until: int | None = None) -> list[int]:
        """Return the places of the editions that count, or counted when the record at offset `until` was folded."""
        closed = [
            each.closed
            for each in self.editions
            if each.closed is not None and (until is None or each.closed_at <= until)
        ]
        counting = {(part, assembly) for _, part, assembly in standing(closed)}
        return [place for place, each in enumerate(self.editions) if each.closed in closed and each.name in counting]

    def rivals_of(self, name: str, until: int | None = None) -> list[int]:
        """Return the places of those that a sibling of this name gives way to."""
        found = [(place, self.editions[place].closed) for place in self.standing(until)]
        return [place for place, edition in found if edition is not None and rival(name, edition)]

    def counting(self) -> list[Edition]:
        """Return the editions that count."""
        found = [self.editions[place].closed for place in self.standing()]
        return [edition for edition in found if edition is not None]


class SumKey(msgspec.Struct, frozen=True):
    """A sum: the charges of one kind in one edition."""

    statement: int
    edition: int
    charge: ChargeKey


class SumRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What it comes to; `version` is the offset of the newest row in it."""

    version: int
    rows: int
    amount: Decimal


class Reader(Protocol):
    """Rows as they are stored."""

    def statement(self, name: str) -> StatementRow | None:
        """Return a statement."""

    def statements(self) -> int:
        """Return how many statements there are."""

    def sum(self, key: SumKey) -> SumRow | None:
        """Return a sum."""

    def detail(self, place: DetailPlace) -> DetailRow | None:
        """Return a detail."""

    def seen(self, identity: bytes) -> int | None:
        """Return the offset of the row that had an identity first."""


class Record(Protocol):
    """A record, by its place; `timestamp` is in milliseconds since 1970."""

    offset: int
    timestamp: int


@dataclass
class Folded:
    """What a batch comes to; `closed` are statements whose editions have to be told."""

    statements: dict[str, StatementRow] = field(default_factory=dict)
    sums: dict[SumKey, SumRow] = field(default_factory=dict)
    details: dict[DetailPlace, DetailRow] = field(default_factory=dict)
    resources: dict[ResourcesPlace, ResourcesRow] = field(default_factory=dict)
    seen: dict[bytes, int] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    rejected: list[tuple[Record, str]] = field(default_factory=list)
    rows: int = 0
    duplicates: int = 0


class Fold:
    """Folds one batch."""

    def __init__(
        self, reader: Reader, *, rates: Rates, currency: str, team_of: Callable[[str], str | None], published: int
    ) -> None:
        self._reader = reader
        self._rates = rates
        self._currency = currency
        self._team_of = team_of
        self._published = published
        self._numbers = reader.statements()
        self._stalled: set[tuple[int, int]] = set()
        self.folded = Folded()

    def add(self, record: Record, given: Delta | Edition | DearResources | Rejected) -> None:
        """Fold one record."""
        if isinstance(given, Rejected):
            self.folded.rejected.append((record, given.reason))
        elif isinstance(given, Edition):
            self._close(record, given)
        elif isinstance(given, DearResources):
            self._resources(record, given)
        elif given.ordinal is None:
            self._loose(record, given)
        else:
            self._of_edition(record, given)

    def _loose(self, record: Record, delta: Delta) -> None:
        name = identity(delta.source, delta.id).to_bytes(8, "big")
        first = self.folded.seen.get(name)
        first = self._reader.seen(name) if first is None else first
        if first is not None and first != record.offset:
            self.folded.duplicates += 1
            return
        statement = self._statement(LOOSE)
        if not statement.editions:
            statement = msgspec.structs.replace(statement, editions=[Progress("", "")])
        if self._sum_up(record, delta, statement.number, 0):
            self.folded.seen[name] = record.offset
            self.folded.statements[LOOSE] = msgspec.structs.replace(statement, version=record.offset)

    def _of_edition(self, record: Record, delta: Delta) -> None:
        row = delta.row
        statement, place = self._edition(row.statement, row.part, row.assembly)
        progress = statement.editions[place]
        if progress.closed is not None or (delta.ordinal or 0) < progress.expected:
            self.folded.duplicates += 1
        elif delta.ordinal != progress.expected:
            self._stall(record, (statement.number, place), delta.ordinal or 0, progress.expected)
        elif not self._sum_up(record, delta, statement.number, place):
            # Half a bill is no figure: the edition goes on from here when it is imported again.
            self._stalled.add((statement.number, place))
            self.folded.statements[row.statement] = statement
        else:
            progress = msgspec.structs.replace(progress, expected=progress.expected + 1)
            self._put(row.statement, statement, place, progress, record.offset)

    def _stall(self, record: Record, edition: tuple[int, int], ordinal: int, expected: int) -> None:
        """Refuse a row that comes out of turn: told once in a batch, and when the edition is to be closed."""
        if edition not in self._stalled:
            self._stalled.add(edition)
            reason = f"ordinal: {ordinal}, and {expected} was to come; import the bill again"
            self.folded.rejected.append((record, reason))

    def _close(self, record: Record, edition: Edition) -> None:
        statement, place = self._edition(edition.statement, edition.part, edition.assembly)
        progress = statement.editions[place]
        if progress.closed is not None:
            if progress.closed_at > self._published:
                self.folded.closed.add(edition.statement)
            return
        if progress.expected != edition.rows:
            reason = f"the edition has {edition.rows} rows, and {progress.expected} came; import the bill again"
            self.folded.rejected.append((record, reason))
            return
        progress = msgspec.structs.replace(
            progress, closed=edition, closed_at=record.offset, recorded=stamped(record.timestamp)
        )
        self._put(edition.statement, statement, place, progress, record.offset)
        self.folded.closed.add(edition.statement)

    def _resources(self, record: Record, given: DearResources) -> None:
        """Keep what is told of resources; a repeat says the same, until the edition is closed."""
        name = given.edition[0]
        statement, place = self._edition(*given.edition)
        if statement.editions[place].closed is not None:
            self.folded.duplicates += 1
            return
        try:
            lines = encode_resources(given.charges, self._rates, self._currency, self._team_of)
        except MissingRateError as missing:
            self.folded.rejected.append((record, str(missing)))
            return
        self.folded.resources[ResourcesPlace(statement.number, place, given.day)] = ResourcesRow(record.offset, lines)
        self.folded.statements[name] = statement

    def _sum_up(self, record: Record, delta: Delta, statement: int, edition: int) -> bool:
        try:
            with localcontext(EXACT):
                booked = book(delta.row, self._rates, self._currency, self._team_of)
                for charge, amount in charges(booked):
                    self._gain(SumKey(statement, edition, charge), record.offset, amount)
                self._detail(record, delta, booked, statement, edition)
        except MissingRateError as missing:
            self.folded.rejected.append((record, str(missing)))
            return False
        self.folded.rows += 1
        return True

    def _gain(self, key: SumKey, offset: int, amount: Decimal) -> None:
        known = self.folded.sums.get(key) or self._reader.sum(key)
        if known is None:
            known = SumRow(offset, 1, amount)
        elif offset > known.version:
            known = SumRow(offset, known.rows + 1, known.amount + amount)
        self.folded.sums[key] = known

    def _detail(self, record: Record, delta: Delta, booked: Booked, statement: int, edition: int) -> None:
        recorded = stamped(record.timestamp) if delta.ordinal is None else 0
        place = DetailPlace(statement, edition, recorded, detail_of(delta.row, booked))
        known = self.folded.details.get(place) or self._reader.detail(place)
        self.folded.details[place] = plus(
            known, record.offset, quantity_of(delta.row), booked.amounts, original_of(delta.row)
        )

    def _statement(self, name: str) -> StatementRow:
        known = self.folded.statements.get(name) or self._reader.statement(name)
        if known is None:
            known = StatementRow(-1, self._numbers)
            self._numbers += 1
            self.folded.statements[name] = known
        return known

    def _edition(self, name: str, part: str, assembly: str) -> tuple[StatementRow, int]:
        statement = self._statement(name)
        for place, each in enumerate(statement.editions):
            if each.name == (part, assembly):
                return statement, place
        more = [*statement.editions, Progress(part, assembly)]
        return msgspec.structs.replace(statement, editions=more), len(more) - 1

    def _put(self, name: str, statement: StatementRow, place: int, progress: Progress, offset: int) -> None:
        editions = list(statement.editions)
        editions[place] = progress
        self.folded.statements[name] = msgspec.structs.replace(statement, version=offset, editions=editions)
