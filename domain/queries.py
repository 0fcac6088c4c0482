"""Questions about cost: which rows of which projection answer one, and what they add up to.

Whatever the projection, the grouping or the way a stretch of time is split: the same events give the same sum.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from domain.money import EXACT, ZERO
from domain.projections import PROJECTIONS
from domain.rejection import Rejected
from domain.scope import DIMENSIONS
from domain.windows import DAY, HOUR, MINUTE, Granularity, Window, cover, floor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from domain.cells import CostRow
    from domain.time_ranges import TimeRange

DRIVER: Final = "driver"
RESOURCE_TYPE: Final = "resource_type"
GROUPINGS: Final = (*DIMENSIONS, DRIVER, RESOURCE_TYPE)
METERED: Final = "metered"
BILLED: Final = "billed"

MAX_WINDOWS: Final = 20_000
MAX_GROUPS: Final = 100_000
MAX_MINUTES: Final = 2 * DAY // MINUTE
# A range's edges: hours up to the first midnight and minutes up to the first hour, and likewise at its end.
_EDGES: Final = 2 * (23 + 59)


class Buckets(StrEnum):
    """How the time of a question is split; the value is the word that the API uses."""

    TOTAL = "total"
    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"


class Source(StrEnum):
    """Whose word counts: usage times price, the provider's bill, or the best there is."""

    METERED = "metered"
    BILLED = "billed"
    BEST = "best"


_WIDTHS: Final = {Buckets.MINUTE: MINUTE, Buckets.HOUR: HOUR, Buckets.DAY: DAY}


@dataclass(frozen=True, kw_only=True)
class CostQuery:
    """What somebody wants to know; an empty `filters` selects everything.

    `filters` maps names of `GROUPINGS` to the values of which one must be met.
    """

    during: TimeRange
    filters: Mapping[str, frozenset[str]] = field(default_factory=dict)
    group_by: tuple[str, ...] = ()
    buckets: Buckets = Buckets.TOTAL
    source: Source = Source.BEST


class Plan(NamedTuple):
    """The rows that answer a question."""

    projection: str
    windows: list[Window]


class GroupKey(NamedTuple):
    """Values in the order of `group_by`, and the start of the bucket; None when time is not split."""

    values: tuple[str, ...]
    start: int | None


@dataclass
class Sum:
    """What lines add up to; `units` mean something when all are of one `resource_type`."""

    amount: Decimal = ZERO
    units: Decimal = ZERO
    events: int = 0
    unpriced: int = 0
    resource_type: str | None = ""

    def add(self, row: CostRow) -> None:
        """Add a line; the caller's decimal context must be exact."""
        self.amount += row.amount
        self.units += row.units
        self.events += row.events
        self.unpriced += row.unpriced
        if self.resource_type != row.resource_type:
            self.resource_type = row.resource_type if self.resource_type == "" else None


class Costs(NamedTuple):
    """The answer: groups by amount, dearest first, and their sum."""

    total: Sum
    groups: list[tuple[GroupKey, Sum]]


def plan(query: CostQuery) -> Plan | Rejected:
    """Choose the narrowest projection and the fewest windows; a question that is too large is refused."""
    refused = _too_large(query)
    if refused is not None:
        return refused
    return Plan(projection_for({*query.filters, *query.group_by}), windows_for(query.during, query.buckets))


def projection_for(names: Iterable[str]) -> str:
    """Return the projection with the fewest dimensions that has all of those named."""
    needed = set(names) & set(DIMENSIONS)
    fitting = (name for name, dimensions in PROJECTIONS.items() if needed <= set(dimensions))
    return min(fitting, key=lambda name: len(PROJECTIONS[name]))


def windows_for(during: TimeRange, buckets: Buckets = Buckets.TOTAL) -> list[Window]:
    """Cover a range with the fewest windows of which none is wider than a bucket."""
    if buckets is Buckets.MINUTE:
        return [Window(Granularity.MINUTE, start) for start in range(during.start, during.end, MINUTE)]
    windows = cover(during.start, during.end)
    if buckets is Buckets.HOUR:
        return [part for window in windows for part in _hours(window)]
    return windows


def answer(query: CostQuery, projection: str, rows: Iterable[CostRow]) -> Costs | Rejected:
    """Add up the lines that the filters select, by group; refused when there are too many groups."""
    key_of = _grouping(query, projection)
    total, groups = Sum(), dict[GroupKey, Sum]()
    with localcontext(EXACT):
        for row in selected(query, projection, rows):
            total.add(row)
            groups.setdefault(key_of(row), Sum()).add(row)
            if len(groups) > MAX_GROUPS:
                return Rejected(f"more than {MAX_GROUPS:,} groups; group by less, or filter more")
        ordered = sorted(groups.items(), key=lambda item: (-item[1].amount, item[0]))
    return Costs(total, ordered)


def selected(query: CostQuery, projection: str, rows: Iterable[CostRow]) -> Iterable[CostRow]:
    """Return the lines of a projection that the source and all filters of a question select."""
    source = BILLED if query.source is Source.BILLED else METERED
    tests = [(_value_of(name, projection), values) for name, values in query.filters.items()]
    return (row for row in rows if row.source == source and all(value(row) in values for value, values in tests))


def driver_of(resource_type: str) -> str:
    """Return the part of a resource type before the first dot."""
    return resource_type.partition(".")[0]


def _too_large(query: CostQuery) -> Rejected | None:
    length = query.during.end - query.during.start
    if query.buckets is Buckets.MINUTE and length > MAX_MINUTES * MINUTE:
        return Rejected("granularity minute answers for at most 2 days; ask for less, or for hours")
    width = HOUR if query.buckets is Buckets.HOUR else DAY
    if query.buckets is not Buckets.MINUTE and length // width + _EDGES > MAX_WINDOWS:
        most = (MAX_WINDOWS - _EDGES) * width // DAY
        return Rejected(f"granularity {query.buckets} answers for at most {most:,} days; ask for less")
    return None


def _hours(window: Window) -> list[Window]:
    if window.granularity is not Granularity.DAY:
        return [window]
    return [Window(Granularity.HOUR, start) for start in range(window.start, window.end, HOUR)]


def _grouping(query: CostQuery, projection: str) -> Callable[[CostRow], GroupKey]:
    values = [_value_of(name, projection) for name in query.group_by]
    width = _WIDTHS.get(query.buckets)

    def key_of(row: CostRow) -> GroupKey:
        start = None if width is None else floor(row.window.start, width)
        return GroupKey(tuple(value(row) for value in values), start)

    return key_of


def _value_of(name: str, projection: str) -> Callable[[CostRow], str]:
    if name == DRIVER:
        return lambda row: driver_of(row.resource_type)
    if name == RESOURCE_TYPE:
        return lambda row: row.resource_type
    at = PROJECTIONS[projection].index(name)
    return lambda row: row.scope[at]
