"""Sums kept from one question to the next: a dashboard asks the same again, and most of its windows have not changed.

The windows of a question are added up in runs of a few neighbours. A run's sums are kept with the marks that its
windows had in the view; they serve any question of the same shape for as long as the marks are the same. So an answer
is never older than the view: only adding up the same lines again is saved. Those who ask the same at once share it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING, Final, NamedTuple
from weakref import WeakValueDictionary

from domain.queries import Fold
from domain.rejection import Rejected

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from app.api.ports import View
    from domain.queries import CostQuery, Plan
    from domain.windows import Window

# Windows added up together. Late events change old windows now and then, and cost the neighbours of each, too.
RUN_WINDOWS: Final = 8
# Each takes some 300 bytes.
MAX_KEPT_GROUPS: Final = 300_000

_Marks = tuple[bytes | None, ...]
_Shape = tuple[object, ...]


class _Run(NamedTuple):
    windows: Sequence[Window]
    marks: _Marks
    hot: bool = False


class _Asked(NamedTuple):
    view: View
    query: CostQuery
    projection: str

    def shape(self, run: _Run) -> _Shape:
        """Return what decides the sums of a run, besides its lines."""
        query = self.query
        filters = frozenset(query.filters.items())
        # A run at the edge of a question may be a part of the same one in another question.
        edges = run.windows[0], run.windows[-1], len(run.windows)
        bill = query.basis, query.categories, query.billed_until
        return (self.projection, query.group_by, query.granularity, query.source, *bill, filters, *edges)


class KeptSums:
    """Adds up the lines of plans, and keeps the sums of runs; the least recently used go first."""

    def __init__(self, max_groups: int = MAX_KEPT_GROUPS) -> None:
        self._kept: OrderedDict[_Shape, tuple[_Marks, Fold]] = OrderedDict()
        self._turns: WeakValueDictionary[_Shape, asyncio.Lock] = WeakValueDictionary()
        self._groups = 0
        self._max_groups = max_groups

    async def fold(self, view: View, query: CostQuery, plan: Plan, now: float) -> Fold | Rejected:
        """Return the sums of a query; `Rejected` when there are too many lines or groups for one answer."""
        marks = await view.marks(plan.projection, plan.windows)
        asked = _Asked(view, query, plan.projection)
        everything = _Run(plan.windows, tuple(marks))
        async with self._turn(asked, everything):
            kept = self._found(asked, everything)
            if kept is not None:
                return kept
            fold = await self._fold(asked, list(_runs(plan.windows, marks, now)))
            if plan.windows and not isinstance(fold, Rejected):
                self._keep(asked.shape(everything), everything.marks, fold)
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
            self._keep(asked.shape(whole), whole.marks, fold)
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
        shape = asked.shape(run)
        marks, fold = self._kept.get(shape, (None, None))
        if fold is None or marks != run.marks:
            return None
        self._kept.move_to_end(shape)
        return fold

    async def _read(self, asked: _Asked, run: _Run) -> Fold | Rejected:
        fold = Fold(asked.query, asked.projection)
        rejected = fold.add(await asked.view.rows(asked.projection, run.windows))
        if rejected is not None:
            return rejected
        self._keep(asked.shape(run), run.marks, fold)
        return fold

    def _keep(self, shape: _Shape, marks: _Marks, fold: Fold) -> None:
        _, old = self._kept.pop(shape, (None, None))
        self._groups += len(fold) - (0 if old is None else len(old))
        self._kept[shape] = marks, fold
        while self._groups > self._max_groups:
            _, (_, forgotten) = self._kept.popitem(last=False)
            self._groups -= len(forgotten)


def _runs(windows: Sequence[Window], marks: Sequence[bytes | None], now: float) -> Iterator[_Run]:
    """Split windows into runs of one width, aligned so that the same windows meet in every question.

    What is being written to just now is a run by itself.
    """
    at = 0
    while at < len(windows):
        until = at + 1
        while until < len(windows) and _place(windows[until], now) == _place(windows[at], now):
            until += 1
        yield _Run(windows[at:until], tuple(marks[at:until]), _is_hot(windows[at], now))
        at = until


def _place(window: Window, now: float) -> tuple[object, ...]:
    number = window.start // window.granularity.seconds
    return window.granularity, number // RUN_WINDOWS, number if _is_hot(window, now) else None


def _is_hot(window: Window, now: float) -> bool:
    """Tell whether a window is, or was just now, the current one."""
    return window.end + window.granularity.seconds > now
