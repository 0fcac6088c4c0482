"""Lines of cost, spelled as the view does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.adapters.cost_lines import Sheet, name_of, value_of
from domain.cost_rows import Line, ProjectionRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from domain.cells import CostRow
    from domain.windows import Window


def sheets_of(projection: str, windows: Sequence[Window], rows: Iterable[CostRow]) -> list[Sheet]:
    """Return a sheet per window; the same line may be in it several times, as of several owners."""
    sheets = {window: Sheet(projection, window, [], []) for window in windows}
    for owner, row in enumerate(rows):
        names, values = sheets[row.window][2:]
        assert isinstance(names, list)
        assert isinstance(values, list)
        names.append(name_of(owner, Line(row.scope, row.resource_type, row.source, row.cost_unit)))
        shown = ProjectionRow(1, row.events, row.units, row.amount, row.unpriced)
        values.append(value_of(owner, shown).encode())
    return [sheets[window] for window in windows]
