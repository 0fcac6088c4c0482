"""The rows of one partition of the table `costs`, decoded and remembered."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal, localcontext
from itertools import islice
from typing import TYPE_CHECKING, Final

from domain.cost_rows import Watermark
from domain.money import EXACT, ZERO
from domain.projections import PROJECTIONS
from domain.windows import DAY, Granularity, Window
from tables import costs as table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from agents.ports import Tenure
    from domain.cost_rows import (
        BudgetRow,
        CellRow,
        CostCellKey,
        Line,
        Place,
        Projected,
        ProjectionKey,
        ProjectionRow,
        SpendKey,
        SpendRow,
    )
    from domain.rollup import Group

# Rows remembered of a partition, some 400 bytes each.
MAX_CELLS: Final = 40_000
MAX_LINES: Final = 100_000


class CostRows:
    """Reads rows through what was written last; implements `domain.rollup.CostReader`."""

    def __init__(self, costs: Tenure) -> None:
        self._costs = costs
        self._cells: dict[CostCellKey, CellRow] = {}
        self._projections: dict[Place, dict[Line, ProjectionRow]] = {}
        self._lines = 0
        self._spends: dict[SpendKey, SpendRow] = {}

    def cells(self, keys: Iterable[CostCellKey]) -> dict[CostCellKey, CellRow]:
        """Return the slots of those cells that are known: remembered, or on the disk."""
        remembered = self._cells
        found = {key: remembered[key] for key in keys if key in remembered}
        unknown = [key for key in keys if key not in found]
        stored = self._costs.get_many([table.cell_key(key) for key in unknown]) if unknown else []
        found.update((key, table.decode_cell(row)) for key, row in zip(unknown, stored, strict=True) if row is not None)
        return found

    def projections(self, wanted: Mapping[Place, Iterable[Line]]) -> Projected:
        """Return the rows of these places, those of other lines, too, where they are remembered."""
        found = {place: self._projections.get(place, {}) for place in wanted}
        unknown = [(place, line) for place, lines in wanted.items() for line in lines if line not in found[place]]
        if unknown:
            stored = self._costs.get_many([_key(place, line) for place, line in unknown])
            read: defaultdict[Place, dict[Line, ProjectionRow]] = defaultdict(dict)
            for (place, line), row in zip(unknown, stored, strict=True):
                if row is not None:
                    read[place][line] = table.decode_projection(row)
            found.update((place, found[place] | rows) for place, rows in read.items())
        return found

    def spend(self, key: SpendKey) -> SpendRow | None:
        """Return this partition's part of a budget's spend."""
        row = self._spends.get(key)
        if row is None and (stored := self._costs.get(table.spend_key(key))) is not None:
            row = table.decode_spend(stored)
        return row

    def window(
        self, projection: str, window: Window, leading: tuple[str, ...] = ()
    ) -> Iterator[tuple[ProjectionKey, ProjectionRow]]:
        """Iterate over one projection in one window, as stored; over lines whose values begin with `leading` alone."""
        for key, row in self._costs.scan(table.lines_prefix(window, projection, leading)):
            yield table.split_projection_key(key), table.decode_projection(row)

    def budgets(self) -> list[BudgetRow]:
        """Return the budgets that are folded here."""
        return [table.decode_budget(row) for _, row in self._costs.scan(table.BUDGETS)]

    def watermark(self) -> int:
        """Return the newest event time seen (epoch seconds), 0 when there is none."""
        row = self._costs.get(table.WATERMARK)
        return 0 if row is None else table.decode_watermark(row).at

    def encode(self, group: Group, watermark: int) -> dict[bytes, bytes | None]:
        """Return the rows of a group, as they are committed together."""
        version = max((row.version for row in group.cells.values()), default=0)
        rows: dict[bytes, bytes | None] = {table.WATERMARK: table.encode(Watermark(version, watermark))}
        rows.update((table.cell_key(key), table.encode(row)) for key, row in group.cells.items())
        for place, lines in group.projections.items():
            prefix = table.window_prefix(place.window, place.projection)
            rows.update((prefix + table.line_key(line), table.encode(row)) for line, row in lines.items())
        rows.update((table.spend_key(key), table.encode(row)) for key, row in group.spends.items())
        return rows

    def remember(self, group: Group) -> None:
        """Keep what was committed, to be read without the disk."""
        self._cells.update(group.cells)
        for place, rows in group.projections.items():
            # What was written last is to be forgotten last.
            known = self._projections[place] = self._projections.pop(place, {})
            self._lines -= len(known)
            known.update(rows)
            self._lines += len(known)
        self._spends.update(group.spends)
        self._forget()

    def _forget(self) -> None:
        """Forget what was not written for longest."""
        if len(self._cells) > MAX_CELLS:
            for key in list(islice(self._cells, MAX_CELLS // 2)):
                del self._cells[key]
        while self._lines > MAX_LINES:
            self._lines -= len(self._projections.pop(next(iter(self._projections))))

    def clear(self) -> None:
        """Forget what is remembered; the table has it all."""
        self._cells.clear()
        self._projections.clear()
        self._lines = 0
        self._spends.clear()

    def expired(self, now: int) -> Iterator[bytes]:
        """Yield the keys past their retention, counted from the newest event time; a clock ahead is not believed."""
        newest = min(self.watermark(), now + DAY)
        for prefix, kept in table.retained_prefixes():
            for key, _ in self._costs.scan(prefix):
                if table.start_of(key) >= newest - kept:
                    break
                yield key
        for kind, kept in table.ROW_RETENTION.items():
            for key, _ in self._costs.scan(kind):
                if table.minute_of(key) >= newest - kept:
                    break
                yield key

        for key, _ in self._costs.scan(table.SPENDS):
            if table.is_expired_step(key, newest):
                yield key

    def gap(self, days: Iterable[int]) -> Decimal:
        """Return the largest difference, over the given days, between any two projections' sums."""
        with localcontext(EXACT):
            return max((self._gap_of(Window(Granularity.DAY, day)) for day in days), default=ZERO)

    def _gap_of(self, day: Window) -> Decimal:
        sums: defaultdict[str, Decimal] = defaultdict(Decimal)
        for projection in PROJECTIONS:
            for _, row in self.window(projection, day):
                sums[projection] += row.amount
        values = [sums[projection] for projection in PROJECTIONS]
        return max(values) - min(values)


def _key(place: Place, line: Line) -> bytes:
    return table.window_prefix(place.window, place.projection) + table.line_key(line)
