"""What the scope of a budget has cost so far, read from projected cost: of each window the lines of the scope alone.

A window may have as many lines as there are tenants. They are found by the values that their keys begin with.
"""

from __future__ import annotations

from decimal import localcontext
from functools import lru_cache
from itertools import takewhile
from typing import TYPE_CHECKING, NamedTuple, Protocol

from domain.money import EXACT, ZERO
from domain.projections import PROJECTIONS
from domain.windows import cover

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from decimal import Decimal

    from domain.cost_rows import BudgetRow, ProjectionKey, ProjectionRow
    from domain.periods import Period
    from domain.windows import Window


class WindowReader(Protocol):
    """Projected cost as it is stored."""

    def window(
        self, projection: str, window: Window, leading: tuple[str, ...] = ()
    ) -> Iterator[tuple[ProjectionKey, ProjectionRow]]:
        """Iterate over one projection in one window; of its lines over those whose values begin with `leading`."""


class Spent(NamedTuple):
    """What a scope has cost, and how many of its events have no price."""

    amount: Decimal = ZERO
    unpriced: int = 0


class Spending:
    """What one budget's scope has cost so far; a window that several periods have is read once."""

    def __init__(self, reader: WindowReader, budget: BudgetRow) -> None:
        self.budget = budget
        self._reader = reader
        self._projection, self._leading, self._others = _narrowest(budget.terms)
        self._known: dict[Window, Spent] = {}

    def over(self, period: Period) -> Spent:
        """Return what a period comes to."""
        with localcontext(EXACT):
            return _sum(map(self._in, cover(period.start, period.end)))

    def _in(self, window: Window) -> Spent:
        spent = self._known.get(window)
        if spent is None:
            spent = self._known[window] = _sum(
                Spent(row.amount, row.unpriced)
                for key, row in self._reader.window(self._projection, window, self._leading)
                if all(key.line.values[at] == value for at, value in self._others)
                and self.budget.counts(key.line.source)
            )
        return spent


def _sum(parts: Iterable[Spent]) -> Spent:
    amount, unpriced = ZERO, 0
    for part in parts:
        amount += part.amount
        unpriced += part.unpriced
    return Spent(amount, unpriced)


@lru_cache(maxsize=10_000)
def _narrowest(terms: tuple[tuple[str, str], ...]) -> tuple[str, tuple[str, ...], list[tuple[int, str]]]:
    """Return the projection with the fewest dimensions that has those of a scope.

    With it the values that the scope gives for its first dimensions, by which lines are found without reading others,
    and where the rest of its values stand.
    """
    wanted = dict(terms)
    able = [name for name, dimensions in PROJECTIONS.items() if wanted.keys() <= {*dimensions}]
    projection = min(able, key=lambda name: len(PROJECTIONS[name]))
    dimensions = PROJECTIONS[projection]
    leading = tuple(wanted[dimension] for dimension in takewhile(wanted.__contains__, dimensions))
    others = [(at, wanted[name]) for at, name in enumerate(dimensions) if at >= len(leading) and name in wanted]
    return projection, leading, others
