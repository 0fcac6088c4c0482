"""From running totals of source partitions to cost by scope, window and budget; exact however often they repeat.

A cell keeps one slot per source partition and overwrites it when a newer total comes; the difference is what the
projections of the cell gain. Cells are folded in groups: one group's rows are written atomically, so the slots and
all that is derived from them never disagree.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import localcontext
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from domain.budgets.foresight import LOOK_BACK
from domain.cost_rows import (
    LINES_REMEMBERED,
    BudgetRow,
    CellRow,
    CostCell,
    CostCellKey,
    Line,
    Place,
    Projected,
    ProjectionRow,
    Slot,
    SpendKey,
    SpendRow,
)
from domain.money import EXACT, ZERO
from domain.projecting import Delta, Lines, by_projection, summed, total, widened
from domain.scope import DIMENSIONS, Scope
from domain.sources import METERED, metered
from domain.spending import Spending, WindowReader
from domain.windows import Granularity, Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from domain.periods import Period
    from domain.totals import Total

# Cells of one group and their projections usually fit into one Kafka record batch; the agent halves one that does not.
# The more there are, the fewer rows of wide projections are written again and again.
GROUP_CELLS: Final = 2_000
FULL: Final = "full"


class CostReader(WindowReader, Protocol):
    """Rows as they are before the group that is being folded."""

    def cells(self, keys: Iterable[CostCellKey]) -> Mapping[CostCellKey, CellRow]:
        """Return the slots of those cells that are known."""

    def projections(self, wanted: Mapping[Place, Iterable[Line]]) -> Projected:
        """Return of each place that is asked about those of its lines that are known, and perhaps others."""

    def spend(self, key: SpendKey) -> SpendRow | None:
        """Return this partition's part of a budget's spend."""


class Arrived(NamedTuple):
    """A total and the offset in `cost-totals` at which it came."""

    offset: int
    source: str
    partition: int
    total: Total


@dataclass
class Group:
    """Rows that are written together. Cells and spends that did not change are listed too: they are sent again."""

    cells: dict[CostCellKey, CellRow] = field(default_factory=dict)
    projections: dict[Place, dict[Line, ProjectionRow]] = field(default_factory=dict)
    spends: dict[SpendKey, SpendRow] = field(default_factory=dict)


def newest(arrived: Iterable[Arrived]) -> dict[CostCellKey, list[Arrived]]:
    """Keep, of each cell and source accumulation, the newest total; by cell."""
    latest: dict[tuple[CostCellKey, int, int], Arrived] = {}
    for one in arrived:
        new = one.total
        cell = CostCell(
            new.tenant, new.environment, new.feature, new.service, new.team,
            new.resource_type, new.price_id, new.cost_unit, one.source,
        )  # fmt: skip
        slot = (CostCellKey(new.minute, cell), one.partition, new.first)
        known = latest.get(slot)
        if known is None or known.total.version <= new.version:
            latest[slot] = one
    by_cell: defaultdict[CostCellKey, list[Arrived]] = defaultdict(list)
    for (key, _, _), one in latest.items():
        by_cell[key].append(one)
    return by_cell


def groups(cells: dict[CostCellKey, list[Arrived]]) -> Iterator[list[tuple[CostCellKey, list[Arrived]]]]:
    """Split cells into groups that are written one after the other; neighbours share windows and projections."""
    items = sorted(cells.items(), key=_neighbours)
    for at in range(0, len(items), GROUP_CELLS):
        yield items[at : at + GROUP_CELLS]


def _neighbours(item: tuple[CostCellKey, list[Arrived]]) -> tuple[int, str, str]:
    key = item[0]
    return key.minute, key.cell.tenant, key.cell.feature


class Rollup:
    """The cost tables of one owner partition; `budgets` are those whose spend is folded."""

    def __init__(self, reader: CostReader, budgets: Iterable[BudgetRow] = ()) -> None:
        self._reader = reader
        self.budgets = {budget.budget_id: budget for budget in budgets}

    def fold(self, cells: Sequence[tuple[CostCellKey, list[Arrived]]]) -> Group:
        """Fold one group; nothing is written."""
        group = Group()
        gained: defaultdict[int, list[tuple[Line, Delta]]] = defaultdict(list)
        touched: defaultdict[int, list[tuple[Line, Delta]]] = defaultdict(list)
        known = self._reader.cells([key for key, _ in cells])
        with localcontext(EXACT):
            for key, arrived in cells:
                line = _line(key.cell)
                delta = _overwrite(key, known.get(key), arrived, group)
                if delta is not None:
                    gained[key.minute].append((line, delta))
                # A crash may have come after the rows were written and before the spend was sent: it is sent again.
                touched[key.minute].append((line, delta or Delta()))
            self._project({minute: summed(lines) for minute, lines in gained.items()}, group)
            if self.budgets:
                self._spend({minute: summed(lines) for minute, lines in touched.items()}, group)
        return group

    def open_period(self, budget: BudgetRow, instant: int) -> dict[SpendKey, SpendRow]:
        """Return the spend so far of the period that holds an instant, and of the steps that a forecast looks back on.

        Taken from what is already in the tables; of the steps those that have any.
        """
        rows: dict[SpendKey, SpendRow] = {}
        spending = Spending(self._reader, budget)
        step = budget.step_at(instant)
        for _ in range(LOOK_BACK[step.name]):
            key, row = self._opened(spending, step, instant, step=True)
            if row.spent:
                rows[key] = row
            step = budget.step_at(step.start - 1)
        # The period comes last: by then whoever judges it has the steps.
        key, row = self._opened(spending, budget.period_at(instant), instant, step=False)
        return rows | {key: row}

    def _opened(self, spending: Spending, period: Period, instant: int, *, step: bool) -> tuple[SpendKey, SpendRow]:
        budget = spending.budget
        key = SpendKey(budget.budget_id, budget.budget_version, period.start, step)
        row = self._reader.spend(key)
        if row is None:
            spent = spending.over(period)
            row = SpendRow(budget.version, spent.amount, min(instant, period.end - 1), spent.unpriced)
        return key, row

    def _project(self, deltas: dict[int, Lines], group: Group) -> None:
        minutes = {Window(Granularity.MINUTE, minute): dict(by_projection(lines)) for minute, lines in deltas.items()}
        hours = widened(minutes, Granularity.HOUR)
        gains = {
            Place(window, projection): lines
            for windows in (minutes, hours, widened(hours, Granularity.DAY))
            for window, projections in windows.items()
            for projection, lines in projections.items()
        }
        known = self._reader.projections(gains)
        for place, lines in gains.items():
            row_of = known[place].get
            group.projections[place] = {line: _gain(row_of(line), delta) for line, delta in lines.items()}

    def _spend(self, deltas: dict[int, Lines], group: Group) -> None:
        gains: defaultdict[SpendKey, list[Delta]] = defaultdict(list)
        owners: dict[SpendKey, tuple[BudgetRow, int]] = {}
        matching = _Matcher(self.budgets.values())
        for minute, lines in deltas.items():
            for line, delta in lines.items():
                for budget in matching(Scope(*line.values)):
                    if not budget.counts(line.source):
                        continue
                    for key in _spend_keys(budget, minute):
                        gains[key].append(delta)
                        owners[key] = budget, max(minute, owners[key][1] if key in owners else 0)
        spendings: dict[str, Spending] = {}
        for key, gained in sorted(gains.items(), key=lambda gain: not gain[0].step):
            budget, newest_minute = owners[key]
            spending = spendings.setdefault(budget.budget_id, Spending(self._reader, budget))
            delta = total(gained)
            period = budget.step_at(newest_minute) if key.step else budget.period_at(newest_minute)
            _, row = self._opened(spending, period, newest_minute, step=key.step)
            group.spends[key] = SpendRow(
                max(row.version, delta.version),
                row.spent + delta.amount,
                max(row.at, newest_minute),
                row.unpriced + delta.unpriced,
            )


def _overwrite(key: CostCellKey, row: CellRow | None, arrived: list[Arrived], group: Group) -> Delta | None:
    slots = {} if row is None else {(slot.partition, slot.first): slot for slot in row.slots}
    gained: list[Delta] = []
    for one in arrived:
        new = one.total
        old = slots.get((one.partition, new.first))
        if old is not None and old.version >= new.version:
            continue
        slots[one.partition, new.first] = Slot(one.partition, new.first, new.version, new.events, new.units, new.amount)
        gained.append(_difference(one, old))
    version = -1 if row is None else row.version
    if not gained:
        group.cells[key] = CellRow(version, list(slots.values()))
        return None
    delta = total(gained)
    group.cells[key] = CellRow(max(version, delta.version), list(slots.values()))
    return delta


class _Matcher:
    """Finds the budgets of a scope by looking up, not by trying each."""

    def __init__(self, budgets: Iterable[BudgetRow]) -> None:
        self._by_shape: dict[tuple[int, ...], dict[tuple[str, ...], list[BudgetRow]]] = {}
        self._found: dict[Scope, list[BudgetRow]] = {}
        for budget in budgets:
            shape = tuple(DIMENSIONS.index(dimension) for dimension, _ in budget.terms)
            values = tuple(value for _, value in budget.terms)
            self._by_shape.setdefault(shape, {}).setdefault(values, []).append(budget)

    def __call__(self, scope: Scope) -> list[BudgetRow]:
        found = self._found.get(scope)
        if found is None:
            found = self._found[scope] = [
                budget
                for shape, by_values in self._by_shape.items()
                for budget in by_values.get(tuple(scope[index] for index in shape), ())
            ]
        return found


def _spend_keys(budget: BudgetRow, minute: int) -> tuple[SpendKey, SpendKey]:
    """Return the step and the period that a minute's spend belongs to."""
    period = budget.period_at(minute)
    return (
        SpendKey(budget.budget_id, budget.budget_version, budget.step_at(minute).start, step=True),
        SpendKey(budget.budget_id, budget.budget_version, period.start),
    )


@lru_cache(maxsize=LINES_REMEMBERED)
def _line(cell: CostCell) -> Line:
    source = metered(cell.price_id) if cell.source == METERED else cell.source
    return Line(cell.scope, cell.resource_type, source, cell.cost_unit)


def _difference(one: Arrived, old: Slot | None) -> Delta:
    new = one.total
    unpriced = new.events if new.amount is None else 0
    if old is None:
        return Delta(one.offset, new.events, new.units, new.amount or ZERO, unpriced)
    events = new.events - old.events
    amount = (new.amount or ZERO) - (old.amount or ZERO)
    return Delta(one.offset, events, new.units - old.units, amount, events if new.amount is None else 0)


def _gain(row: ProjectionRow | None, delta: Delta) -> ProjectionRow:
    if row is None:
        return ProjectionRow(delta.version, delta.events, delta.units, delta.amount, delta.unpriced)
    return ProjectionRow(
        max(row.version, delta.version),
        row.events + delta.events,
        row.units + delta.units,
        row.amount + delta.amount,
        row.unpriced + delta.unpriced,
    )
