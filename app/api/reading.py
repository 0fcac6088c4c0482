"""Reading the lines that answer a query from the view, in parts, so that one large question does not stop the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from app.api.adding_up import read_sheets
from domain import queries
from domain.money import add_up
from domain.queries import CostQuery, Fold, Plan
from domain.rejection import Rejected

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence

    from app.adapters.redis_view import Marks, Part
    from app.api.kept_sums import KeptSums
    from app.api.ports import View
    from domain.cells import CostRow
    from domain.windows import Window

_EVERYTHING: Final = "all"


class Settled(NamedTuple):
    """A query with the span that can be answered, and how; `doubts` are the windows that this was told from.

    It holds for as long as their marks (`doubt_marks`) are the same.
    """

    query: CostQuery
    plan: Plan
    doubts: tuple[Part, ...] = ()
    doubt_marks: Marks = ()

    @property
    def parts(self) -> list[Part]:
        """All that an answer rests upon: the doubts, and then what is added up."""
        return [*self.doubts, *((self.plan.projection, window) for window in self.plan.windows)]


async def read_costs(
    view: View, sums: KeptSums, asked: CostQuery, now: float
) -> tuple[Settled, Marks, Fold] | Rejected:
    """Answer a query, with the marks of what the answer rests upon, as they were before it was read."""
    settled = await settle(view, asked, now)
    if isinstance(settled, Rejected):
        return settled
    _, marks = await view.standing((), settled.parts[len(settled.doubts) :])
    fold = await sums.fold(view, settled.query, settled.plan, marks, now)
    return fold if isinstance(fold, Rejected) else (settled, settled.doubt_marks + marks, fold)


async def lines(view: View, planned: Plan) -> AsyncIterator[list[CostRow]]:
    """Iterate over the lines of a plan, some windows at a time."""
    async for sheets in read_sheets(view, planned.projection, planned.windows):
        yield [row for sheet in sheets for row in sheet.rows()]


async def kept(view: View, asked: CostQuery, now: float) -> CostQuery | Rejected:
    """Return the query, widened to hours and days where their parts are no longer kept."""
    settled = await settle(view, asked, now)
    return settled if isinstance(settled, Rejected) else settled.query


async def settle(view: View, asked: CostQuery, now: float) -> Settled | Rejected:
    """Find out for which span a query can be answered, and how."""
    query: CostQuery | Rejected = asked
    doubts: tuple[Part, ...] = ()
    doubt_marks: Marks = ()
    while isinstance(query, CostQuery):
        planned = queries.plan(query)
        if isinstance(planned, Rejected):
            return planned
        wider = queries.doubtful(planned.windows, now)
        windows = [*wider, *(part for window in wider for part in queries.parts(window))]
        parts = tuple((_EVERYTHING, window) for window in windows)
        # Read before the windows: what is written in between makes another mark.
        marks = (await view.standing((), parts))[1] if parts else ()
        doubts, doubt_marks = doubts + parts, doubt_marks + marks
        lost = await _lost(view, wider, windows)
        if not lost:
            return Settled(query, planned, doubts, doubt_marks)
        query = queries.coarsened(query, lost)
    return query


async def _lost(view: View, wider: Sequence[Window], windows: Sequence[Window]) -> list[Window]:
    """Return the windows whose parts do not sum to them; `windows` are they and their parts."""
    by_window: dict[Window, list[CostRow]] = {}
    async for sheets in read_sheets(view, _EVERYTHING, windows):
        by_window.update((sheet.window, list(sheet.rows())) for sheet in sheets)

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
