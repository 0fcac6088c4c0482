"""Adding up lines of cost by what a query groups by: exact, whatever the order and the split of the lines."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from domain.cells import Detail
from domain.money import EXACT, ZERO
from domain.projections import PROJECTIONS
from domain.queries.asking import BEST, CATEGORY, CHARGE_CATEGORY, COST_UNIT, DETAILS, DRIVER, PROVIDER, RESOURCE_TYPE
from domain.rejection import Rejected
from domain.sources import BILLED, METERED, Origin, parse
from domain.windows import floor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from domain.cells import CostRow
    from domain.queries.asking import CostQuery

# What units are of; None when they are not to be added.
_Measure = str | tuple[str, str] | None
# Start of the window of time, None for all of it, and what is grouped by.
Key = tuple[int | None, tuple[str, ...]]
# Amount, units, events, events without a price.
Figures = tuple[Decimal, Decimal, int, int]
_NO_DETAIL: Final = Detail()
MAX_GROUPS: Final = 100_000
MAX_LINES: Final = 2_000_000


class Group(NamedTuple):
    """One group; `key` is aligned with the query's `group_by`, `start` (epoch seconds) is that of its window.

    `amount` lacks the events without price, which `unpriced` counts. `units` is None when it mixes resource types, or
    units of bills.
    """

    key: tuple[str, ...]
    start: int | None
    amount: Decimal
    units: Decimal | None
    events: int
    unpriced: int


@dataclass(frozen=True, eq=False, slots=True, weakref_slot=True)
class Costs:
    """The answer: groups in order of time, then dearest first; `total` is their sum. One equals itself only."""

    groups: list[Group]
    total: Decimal
    unpriced: int


class _Sum:
    __slots__ = ("amount", "events", "measure", "units", "unpriced")

    def __init__(self, measure: _Measure) -> None:
        self.amount = self.units = ZERO
        self.events = self.unpriced = 0
        self.measure = measure

    def add(self, other: _Sum) -> None:
        self.amount += other.amount
        self.units += other.units
        self.events += other.events
        self.unpriced += other.unpriced
        if self.measure != other.measure:
            self.measure = None


class Fold:
    """The sums of one query over lines of one projection, which may come in any number of parts."""

    def __init__(self, query: CostQuery, projection: str) -> None:
        self._selected = selection(query, projection)
        self._group = group_of(query, projection)
        self._width = None if query.granularity is None else query.granularity.seconds
        self._lines = 0
        self._sums: dict[Key, _Sum] = {}
        self._costs: Costs | None = None

    def add(self, rows: Iterable[CostRow]) -> Rejected | None:
        """Add lines; say why when there are too many for one answer."""
        self._costs = None
        with localcontext(EXACT):
            for row in rows:
                self._lines += 1
                if self._selected(row):
                    self._count(row)
        return self._too_much()

    def _too_much(self) -> Rejected | None:
        if len(self._sums) > MAX_GROUPS:
            return Rejected(f"group_by: more than {MAX_GROUPS:,} groups; filter, or group by less")
        if self._lines > MAX_LINES:
            return Rejected(f"window: more than {MAX_LINES:,} lines of cost; shorten it, or name fewer dimensions")
        return None

    def merge(self, other: Fold) -> Rejected | None:
        """Add the sums of other lines, of the same query; they stay as they are."""
        self._costs = None
        with localcontext(EXACT):
            for key, added in other._sums.items():
                known = self._sums.get(key)
                if known is None:
                    known = self._sums[key] = _Sum(added.measure)
                known.add(added)
        self._lines += other._lines
        return self._too_much()

    def __len__(self) -> int:
        return len(self._sums)

    def add_sums(self, sums: Iterable[tuple[Key, str, Figures]]) -> None:
        """Add what lines that the query selects come to, with their resource types; `count_lines` counts them."""
        self._costs = None
        with localcontext(EXACT):
            for key, resource_type, figures in sums:
                self._add(key, resource_type, *figures)

    def count_lines(self, lines: int) -> Rejected | None:
        """Count lines whose sums were added; say why when there are too many for one answer."""
        self._lines += lines
        return self._too_much()

    def _count(self, row: CostRow) -> None:
        measure = row.resource_type if row.detail is None else _measure(row.resource_type, row.detail)
        start = None if self._width is None else floor(row.window.start, self._width)
        self._add((start, self._group(row)), measure, row.amount, row.units, row.events, row.unpriced)

    def _add(self, key: Key, measure: _Measure, amount: Decimal, units: Decimal, events: int, unpriced: int) -> None:
        known = self._sums.get(key)
        if known is None:
            known = self._sums[key] = _Sum(measure)
        elif known.measure != measure:
            known.measure = None
        known.amount += amount
        known.units += units
        known.events += events
        known.unpriced += unpriced

    def result(self) -> Costs:
        """Return what was added so far; the same object until more is."""
        if self._costs is None:
            self._costs = self._costs_now()
        return self._costs

    def _costs_now(self) -> Costs:
        groups = sorted((_group(*key, added) for key, added in self._sums.items()), key=_order)
        with localcontext(EXACT):
            total = sum((added.amount for added in self._sums.values()), ZERO)
        return Costs(groups, total, sum(added.unpriced for added in self._sums.values()))


def group_of(query: CostQuery, projection: str) -> Callable[[CostRow], tuple[str, ...]]:
    """Return what tells to which group a line of the projection belongs, whenever it was."""
    readers = [_reader(name, PROJECTIONS[projection]) for name in query.group_by]
    return lambda row: tuple([read(row) for read in readers])


def selection(query: CostQuery, projection: str) -> Callable[[CostRow], bool]:
    """Return what tells whether a line of the projection meets the query's source and all of its filters."""
    counts = _counting(query)
    wanted = [(_reader(name, PROJECTIONS[projection]), values) for name, values in query.filters.items()]
    return lambda row: counts(row) and all(read(row) in values for read, values in wanted)


def _counting(query: CostQuery) -> Callable[[CostRow], bool]:
    """Return what tells whether a line is of the query's source; the best is the bill where it is complete."""
    if query.source == METERED:
        return lambda row: parse(row.source).kind == METERED
    until = dict(query.billed_until)
    # Cost of no provider that we know may be on any bill: it counts until all of them are there.
    slowest = min(until.values(), default=0)

    def is_asked_for(origin: Origin) -> bool:
        return origin.basis == query.basis and (not query.categories or origin.category in query.categories)

    def is_best(row: CostRow) -> bool:
        origin = parse(row.source)
        is_billed = row.window.end <= until.get(origin.provider, 0 if origin.provider else slowest)
        return (is_billed and is_asked_for(origin)) if origin.kind == BILLED else not is_billed

    if query.source == BEST:
        return is_best
    return lambda row: (origin := parse(row.source)).kind == BILLED and is_asked_for(origin)


def _measure(resource_type: str, detail: Detail) -> _Measure:
    return None if detail.unit is None else (resource_type, detail.unit)


def _reader(name: str, held: tuple[str, ...]) -> Callable[[CostRow], str]:
    if name == RESOURCE_TYPE:
        return lambda row: row.resource_type
    if name == COST_UNIT:
        return lambda row: row.cost_unit
    if name == DRIVER:
        return lambda row: row.resource_type.partition(".")[0]
    if name == PROVIDER:
        return lambda row: parse(row.source).provider
    if name in (CATEGORY, CHARGE_CATEGORY):
        return lambda row: parse(row.source).category
    if name in DETAILS:
        at_detail = Detail._fields.index(name)
        return lambda row: (row.detail or _NO_DETAIL)[at_detail] or ""
    at = held.index(name)
    return lambda row: row.scope[at]


def _group(start: int | None, key: tuple[str, ...], added: _Sum) -> Group:
    units = None if added.measure is None else added.units
    return Group(key, start, added.amount, units, added.events, added.unpriced)


def _order(group: Group) -> tuple[Any, ...]:
    return group.start or 0, group.amount.copy_negate(), group.key
