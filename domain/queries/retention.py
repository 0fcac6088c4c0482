"""Old time, seen from further away: minutes and hours are forgotten, days stay.

Fine windows are kept for a while after they were last written, so age alone does not tell whether they are there:
what was replayed today is whole, however old its events. They are there when they sum to the window around them.
Where they do not, a query is answered from the wider window, and says so; never with less than what it cost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from domain.queries.asking import Span
from domain.rejection import Rejected
from domain.windows import DAY, Granularity, Window, floor, to_rfc3339

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from domain.queries.asking import CostQuery

# As long as the tables keep them by age: a view that was rebuilt from the tables holds no more than that.
KEPT_SECONDS: Final = {Granularity.MINUTE: 3 * DAY, Granularity.HOUR: 100 * DAY}
_AROUND: Final = {Granularity.MINUTE: Granularity.HOUR, Granularity.HOUR: Granularity.DAY}


def doubtful(windows: Iterable[Window], now: float) -> list[Window]:
    """Return the hours and days of which old parts are asked for: they may have lost those parts."""
    around = {
        _around(window)
        for window in windows
        if window.granularity in KEPT_SECONDS and window.end + KEPT_SECONDS[window.granularity] <= now
    }
    return sorted(around, key=lambda window: (window.start, window.granularity))


def parts(window: Window) -> list[Window]:
    """Return the minutes of an hour, or the hours of a day."""
    finer = Granularity.MINUTE if window.granularity is Granularity.HOUR else Granularity.HOUR
    return [Window(finer, start) for start in range(window.start, window.end, finer.seconds)]


def coarsened(query: CostQuery, lost: Collection[Window]) -> CostQuery | Rejected:
    """Widen a query to the whole hours and days whose parts are lost, or say which granularity is still there."""
    for window in lost:
        if query.granularity is not None and query.granularity.seconds < window.granularity.seconds:
            return Rejected(
                f"granularity: {query.granularity} of {to_rfc3339(window.start)} is no longer kept; "
                f"ask for {window.granularity}"
            )
    start = min((window.start for window in lost), default=query.span.start)
    end = max((window.end for window in lost), default=query.span.end)
    return query._replace(span=Span(min(start, query.span.start), max(end, query.span.end)))


def _around(window: Window) -> Window:
    wider = _AROUND[window.granularity]
    return Window(wider, floor(window.start, wider.seconds))
