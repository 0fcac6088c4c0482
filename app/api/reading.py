"""Reading the lines that answer a query from the view, in parts, so that one large question does not stop the rest."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from domain import queries
from domain.money import add_up
from domain.queries import CostQuery
from domain.rejection import Rejected

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence

    from app.api.kept_sums import KeptSums
    from app.api.ports import View
    from domain.cells import CostRow
    from domain.queries import Plan
    from domain.windows import Window

_WINDOWS_AT_ONCE: Final = 100
_EVERYTHING: Final = "all"


async def read_costs(
    view: View, sums: KeptSums, asked: CostQuery, now: float
) -> tuple[CostQuery, queries.Costs] | Rejected:
    """Answer a query; it is returned with the span that the answer is about."""
    query = await kept(view, asked, now)
    if isinstance(query, Rejected):
        return query
    planned = queries.plan(query)
    if isinstance(planned, Rejected):
        return planned
    fold = await sums.fold(view, query, planned, now)
    return fold if isinstance(fold, Rejected) else (query, fold.result())


async def lines(view: View, planned: Plan) -> AsyncIterator[list[CostRow]]:
    """Iterate over the lines of a plan, some windows at a time."""
    for at in range(0, len(planned.windows), _WINDOWS_AT_ONCE):
        yield await view.rows(planned.projection, planned.windows[at : at + _WINDOWS_AT_ONCE])
        await asyncio.sleep(0)


async def kept(view: View, asked: CostQuery, now: float) -> CostQuery | Rejected:
    """Return the query, widened to hours and days where their parts are no longer kept."""
    query: CostQuery | Rejected = asked
    while isinstance(query, CostQuery):
        planned = queries.plan(query)
        if isinstance(planned, Rejected):
            return planned
        lost = await _lost(view, queries.doubtful(planned.windows, now))
        if not lost:
            return query
        query = queries.coarsened(query, lost)
    return query


async def _lost(view: View, wider: Sequence[Window]) -> list[Window]:
    """Return the windows whose parts do not sum to them."""
    if not wider:
        return []
    windows = [*wider, *(part for window in wider for part in queries.parts(window))]
    by_window: dict[Window, list[CostRow]] = {}
    for at in range(0, len(windows), _WINDOWS_AT_ONCE):
        for row in await view.rows(_EVERYTHING, windows[at : at + _WINDOWS_AT_ONCE]):
            by_window.setdefault(row.window, []).append(row)

    def figures(window: Window) -> Iterable[CostRow]:
        return by_window.get(window, ())

    return [
        window
        for window in wider
        if _sum(figures(window)) != _sum(row for part in queries.parts(window) for row in figures(part))
    ]


def _sum(rows: Iterable[CostRow]) -> tuple[Any, ...]:
    found = list(rows)
    return sum(row.events for row in found), add_up(row.amount for row in found)
