"""Sums kept from one question to the next: a dashboard asks the same again, and most of its windows have not changed.

The windows of a question are added up in runs of a few neighbours. A run's sums are kept with the marks that its
windows had in the view; they serve any question of the same shape for as long as the marks are the same. So an answer
is never older than the view: only adding up the same lines again is saved. Those who ask the same at once share it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NamedTuple
from weakref import WeakValueDictionary

from app.api.adding_up import Adder, read_sheets
from app.api.shelf import MAX_KEPT_GROUPS, Shelf, shape_of, weight_of
from domain.queries import Fold
from domain.rejection import Rejected

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from app.adapters.redis_view import Marks
    from app.api.ports import View
    from domain.queries import CostQuery, Plan
    from domain.windows import Window

# Windows added up together. Late events change old windows now and then, and cost the neighbours of each, too.
RUN_WINDOWS: Final = 8
# Marks count, too, for a question may have many and no groups.
_MARKS_A_GROUP: Final = 4

_Shape = tuple[object, ...]


class _Run(NamedTuple):
    windows: Sequence[Window]
    marks: Marks
    hot: bool = False


class _Asked(NamedTuple):
    view: View
    query: CostQuery
    projection: str
    adder: Adder

    def shape(self, run: _Run) -> _Shape:
        """Return what decides the sums of a run, besides its lines."""
        # A run at the edge of a question may be a part of the same one in another question.
        edges = run.windows[0], run.windows[-1], len(run.windows)
        return (self.projection, *shape_of(self.query), *edges)


class KeptSums:
    """Adds up the lines of plans, and keeps the sums of runs; the least recently used go first."""

    def __init__(self, max_groups: int = MAX_KEPT_GROUPS) -> None:
        self._shelf = Shelf(max_groups)
        self._turns: WeakValueDictionary[_Shape, asyncio.Lock] = WeakValueDictionary()

    async def fold(self, view: View, query: CostQuery, plan: Plan, marks: Marks, now: float) -> Fold | Rejected:
        """Return the sums of a query; `Rejected` when there are too many lines or groups for one answer.

        `marks` are those of the plan's windows, read just now: sums that were kept with the same ones still hold.
        """
        asked = _Asked(view, query, plan.projection, Adder(query, plan.projection))
        everything = _Run(plan.windows, marks)
        async with self._turn(asked, everything):
            kept = self._found(asked, everything)
            if kept is not None:
                return kept
            fold = await self._fold(asked, list(_runs(plan.windows, marks, now)))
            if plan.windows and not isinstance(fold, Rejected):
                self._keep(asked, everything, fold)
            return fold

    def _turn(self, asked: _Asked, run: _Run) -> asyncio.Lock:
        """Return what lets one of those who ask the same at once read it, and the others find it."""
        shape = asked.shape(run) if run.windows else ()
        turn = self._turns.get(shape)
        if turn is None:
            turn = self._turns[shape] = asyncio.Lock()
        return turn

    async def _fold(self, asked: _Asked, runs: Sequence[_Run]) -> Fold | Rejected:
        settled = await self._settled(asked, [run for run in runs if not run.hot])
        if isinstance(settled, Rejected):
            return settled
        return await self._merged(asked, [run for run in runs if run.hot], settled)

    async def _settled(self, asked: _Asked, runs: Sequence[_Run]) -> Fold | Rejected:
        """Return the sums of what nobody is writing to, kept as a whole, too."""
        whole = _Run([window for run in runs for window in run.windows], tuple(m for run in runs for m in run.marks))
        kept = self._found(asked, whole) if runs else None
        if kept is not None:
            return kept
        fold = await self._merged(asked, runs)
        if runs and not isinstance(fold, Rejected):
            self._keep(asked, whole, fold)
        return fold

    async def _merged(self, asked: _Asked, runs: Iterable[_Run], first: Fold | None = None) -> Fold | Rejected:
        total = Fold(asked.query, asked.projection)
        rejected = None if first is None else total.merge(first)
        for run in runs:
            kept = self._found(asked, run)
            sums = await self._read(asked, run) if kept is None else kept
            rejected = rejected or (sums if isinstance(sums, Rejected) else total.merge(sums))
            if rejected is not None:
                return rejected
            await asyncio.sleep(0)
        return total if rejected is None else rejected

    def _found(self, asked: _Asked, run: _Run) -> Fold | None:
        return self._shelf.find(asked.shape(run), run.marks)

    async def _read(self, asked: _Asked, run: _Run) -> Fold | Rejected:
        fold = Fold(asked.query, asked.projection)
        async for sheets in read_sheets(asked.view, asked.projection, run.windows):
            rejected = asked.adder.add(fold, sheets)
            if rejected is not None:
                return rejected
        self._keep(asked, run, fold)
        return fold

    def _keep(self, asked: _Asked, run: _Run, fold: Fold) -> None:
        weight = weight_of(asked.query) + len(fold) + len(run.marks) // _MARKS_A_GROUP
        self._shelf.keep(asked.shape(run), run.marks, fold, weight)


def _runs(windows: Sequence[Window], marks: Marks, now: float) -> Iterator[_Run]:
    """Split windows into runs of one width, aligned so that the same windows meet in every question.

    What is being written to just now is a run by itself.
    """
    at = 0
    while at < len(windows):
        until = at + 1
        while until < len(windows) and _place(windows[until], now) == _place(windows[at], now):
            until += 1
        yield _Run(windows[at:until], marks[at:until], _is_hot(windows[at], now))
        at = until


def _place(window: Window, now: float) -> tuple[object, ...]:
    number = window.start // window.granularity.seconds
    return window.granularity, number // RUN_WINDOWS, number if _is_hot(window, now) else None


def _is_hot(window: Window, now: float) -> bool:
    """Tell whether a window is, or was just now, the current one."""
    return window.end + window.granularity.seconds > now
