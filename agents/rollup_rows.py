"""The rows of one partition of the table `costs`, decoded and remembered."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Final, TypeVar

from domain.cost_rows import Watermark
from domain.money import EXACT, ZERO
from domain.projections import PROJECTIONS
from domain.windows import DAY, Granularity, Window
from tables import costs as table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from agents.ports import Tenure
    from domain.cost_rows import (
        BudgetRow,
        CellRow,
        CostCellKey,
        ProjectionKey,
        ProjectionRow,
        SpendKey,
        SpendRow,
    )
    from domain.rollup import Group

Key = TypeVar("Key")
Row = TypeVar("Row")

_MAX_REMEMBERED: Final = 60_000


class CostRows:
    """Reads rows through what was written last; implements `domain.rollup.CostReader`."""

    def __init__(self, costs: Tenure) -> None:
        self._costs = costs
        self._cells: dict[CostCellKey, CellRow] = {}
        self._projections: dict[ProjectionKey, ProjectionRow] = {}
        self._spends: dict[SpendKey, SpendRow] = {}

    def cells(self, keys: Iterable[CostCellKey]) -> dict[CostCellKey, CellRow]:
        """Return the slots of those cells that are known."""
        return self._read(keys, self._cells, table.cell_key, table.decode_cell)

    def projections(self, keys: Iterable[ProjectionKey]) -> dict[ProjectionKey, ProjectionRow]:
        """Return those projected costs that are known."""
        return self._read(keys, self._projections, table.projection_key, table.decode_projection)

    def _read(
        self,
        keys: Iterable[Key],
        remembered: Mapping[Key, Row],
        encode: Callable[[Key], bytes],
        decode: Callable[[bytes], Row],
    ) -> dict[Key, Row]:
        """Return what is remembered, and from the disk, at once, what is not."""
        found: dict[Key, Row] = {}
        unknown: list[Key] = []
        for key in keys:
            row = remembered.get(key)
            if row is None:
                unknown.append(key)
            else:
                found[key] = row
        if unknown:
            for key, stored in zip(unknown, self._costs.get_many([encode(key) for key in unknown]), strict=True):
                if stored is not None:
                    found[key] = decode(stored)
        return found

    def spend(self, key: SpendKey) -> SpendRow | None:
        """Return this partition's part of a budget's spend."""
        row = self._spends.get(key)
        if row is None and (stored := self._costs.get(table.spend_key(key))) is not None:
            row = table.decode_spend(stored)
        return row

    def window(self, projection: str, window: Window) -> Iterator[tuple[ProjectionKey, ProjectionRow]]:
        """Iterate over one projection in one window, as stored."""
        for key, row in self._costs.scan(table.window_prefix(window, projection)):
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
        rows.update((table.projection_key(key), table.encode(row)) for key, row in group.projections.items())
        rows.update((table.spend_key(key), table.encode(row)) for key, row in group.spends.items())
        return rows

    def remember(self, group: Group) -> None:
        """Keep what was committed, to be read without the disk."""
        if len(self._cells) + len(self._projections) > _MAX_REMEMBERED:
            self.clear()
        self._cells.update(group.cells)
        self._projections.update(group.projections)
        self._spends.update(group.spends)

    def clear(self) -> None:
        """Forget what is remembered; the table has it all."""
        self._cells.clear()
        self._projections.clear()
        self._spends.clear()

    def expired(self, now: int) -> Iterator[bytes]:
        """Yield the keys past their retention, counted from the newest event time; a clock ahead is not believed."""
        newest = min(self.watermark(), now + DAY)
        for prefix, kept in table.retained_prefixes():
            for key, _ in self._costs.scan(prefix):
                if table.start_of(key) >= newest - kept:
                    break
                yield key
        for kind, kept in table.CELL_RETENTION.items():
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
