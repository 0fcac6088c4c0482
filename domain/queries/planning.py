"""Which projection and which windows answer a query: the narrowest one that has its dimensions, the fewest windows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from domain.projections import PROJECTIONS
from domain.rejection import Rejected
from domain.scope import DIMENSIONS
from domain.windows import DAY, MINUTE, Window, cover, floor

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from domain.queries.asking import CostQuery, Span

MAX_WINDOWS: Final = 20_000
MAX_MINUTES: Final = 2 * DAY // MINUTE


class Plan(NamedTuple):
    """What to read: windows that tile the span of the query, in order of time."""

    projection: str
    windows: list[Window]


def narrowest(dimensions: Collection[str]) -> str:
    """Return the projection with the fewest dimensions that has all of these."""
    wide_enough = (name for name, held in PROJECTIONS.items() if set(dimensions) <= set(held))
    return min(wide_enough, key=lambda name: len(PROJECTIONS[name]))


def plan(query: CostQuery, *, dimensions: Collection[str] = ()) -> Plan | Rejected:
    """Plan a query; `dimensions` are needed beside those that it names."""
    width = DAY if query.granularity is None else query.granularity.seconds
    most = MAX_MINUTES if width == MINUTE else MAX_WINDOWS
    # Asked before the windows are listed: a century of minutes would not fit into memory.
    if (query.span.end - query.span.start) // width > most:
        return _too_many(query, most)
    windows = [window for piece in _pieces(query.span, width) for window in cover(*piece)]
    if len(windows) > most:
        return _too_many(query, most)
    named = {*query.filters, *query.group_by, *dimensions} & set(DIMENSIONS)
    return Plan(narrowest(named), windows)


def _pieces(span: Span, width: int) -> Iterator[tuple[int, int]]:
    """Split a span where windows of `width` seconds begin: no window that is read reaches over such a border."""
    if width == DAY:
        yield span
        return
    at = span.start
    while at < span.end:
        end = min(floor(at, width) + width, span.end)
        yield at, end
        at = end


def _too_many(query: CostQuery, most: int) -> Rejected:
    wider = "" if query.granularity is None else ", or ask for a wider granularity"
    return Rejected(f"window: needs more than {most:,} windows of time; shorten it{wider}")
