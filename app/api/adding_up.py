"""Adding up what the view holds of windows: in parts, so that others are answered in between and memory is bounded."""

from __future__ import annotations

import asyncio
from itertools import groupby
from typing import TYPE_CHECKING, Final

from app.adapters.line_columns import add_up
from domain.queries import Slots
from domain.windows import floor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator, Sequence

    from app.adapters.cost_lines import Sheet
    from app.adapters.line_columns import Sums
    from app.api.ports import View
    from domain.queries import CostQuery, Fold
    from domain.queries.folding import Figures, Key
    from domain.rejection import Rejected
    from domain.windows import Window

# Below so many lines, preparing columns takes longer than adding one by one.
FEW_LINES: Final = 300
# Some 300 bytes each, while they are added up.
_LINES_AT_ONCE: Final = 40_000
# How many lines the next windows hold is known when they have come: after empty ones, so many may be large at once.
_WINDOWS_AT_ONCE: Final = 16


async def read_sheets(view: View, projection: str, windows: Sequence[Window]) -> AsyncIterator[list[Sheet]]:
    """Iterate over the lines of windows, some windows at a time: as many as have been small, or one."""
    at, some = 0, 1
    while at < len(windows):
        sheets = await view.sheets(projection, windows[at : at + some])
        yield sheets
        await asyncio.sleep(0)
        at += some
        largest = max(len(sheet.names) for sheet in sheets)
        some = max(1, min(_WINDOWS_AT_ONCE, 4 * some, _LINES_AT_ONCE // max(largest, 1)))


class Adder:
    """Adds lines to folds of one query and projection; where they belong is found once for all of them."""

    def __init__(self, query: CostQuery, projection: str) -> None:
        self._slots = Slots(query, projection)
        self._width = None if query.granularity is None else query.granularity.seconds

    def add(self, fold: Fold, sheets: Sequence[Sheet]) -> Rejected | None:
        """Add lines; say why when there are too many for one answer."""
        for start, together in groupby(sheets, self._start):
            rejected = self._add(fold, start, list(together))
            if rejected is not None:
                return rejected
        return None

    def _start(self, sheet: Sheet) -> int | None:
        return None if self._width is None else floor(sheet.window.start, self._width)

    def _add(self, fold: Fold, start: int | None, sheets: Sequence[Sheet]) -> Rejected | None:
        values = [value for sheet in sheets for value in sheet.values]
        if len(values) < FEW_LINES:
            return _one_by_one(fold, sheets)
        places = [place for sheet in sheets for place in self._slots.places(sheet.window, sheet.names, sheet.kind)]
        sums = add_up(values, places)
        if sums is None:
            return _one_by_one(fold, sheets)
        fold.add_sums(self._slotted(start, sums))
        return fold.count_lines(len(values))

    def _slotted(self, start: int | None, sums: Iterable[Sums]) -> Iterator[tuple[Key, str, Figures]]:
        for place, events, units, amount, unpriced in sums:
            group, resource_type = self._slots[place]
            yield (start, group), resource_type, (amount, units, events, unpriced)


def _one_by_one(fold: Fold, sheets: Sequence[Sheet]) -> Rejected | None:
    for sheet in sheets:
        rejected = fold.add(sheet.rows())
        if rejected is not None:
            return rejected
    return None
