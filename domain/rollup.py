"""From running totals of source partitions to cost by scope, window and budget; exact however often they repeat.

A cell keeps one slot per source partition and overwrites it when a newer total comes; the difference is what the
projections of the cell gain. Cells are folded in groups: one group's rows are written atomically, so the slots and
all that is derived from them never disagree.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

import msgspec

from domain.money import EXACT, ZERO
from domain.periods import period_at
from domain.projections import PROJECTIONS
from domain.scope import DIMENSIONS, Scope, ScopeFilter
from domain.windows import Granularity, Window, cover, floor

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from domain.periods import Period
    from domain.totals import Total

# Cells of one group and their projections usually fit into one Kafka record batch; the agent halves one that does not.
GROUP_CELLS: Final = 250
FULL: Final = "full"


class CostCell(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is totalled together across source partitions."""

    tenant: str
    environment: str
    feature: str
    service: str
    team: str
    resource_type: str
    price_id: str
    cost_unit: str
    source: str

    @property
    def scope(self) -> Scope:
        """The five dimensions."""
        return Scope(self.tenant, self.environment, self.feature, self.service, self.team)


class CostCellKey(NamedTuple):
    """A cell in one minute (epoch seconds)."""

    minute: int
    cell: CostCell


class Slot(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The newest total from one accumulation (`first`) of one source partition."""

    partition: int
    first: int
    version: int
    events: int
    units: Decimal
    amount: Decimal | None


class CellRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The slots of a cell; `version` is the offset in `cost-totals` of the newest."""

    version: int
    slots: list[Slot]

    @property
    def amount(self) -> Decimal | None:
        """The cost of the cell; None when it has no price."""
        amounts = [slot.amount for slot in self.slots if slot.amount is not None]
        return sum(amounts, ZERO) if amounts else None

    @property
    def units(self) -> Decimal:
        """The quantity of the cell."""
        return sum((slot.units for slot in self.slots), ZERO)

    @property
    def events(self) -> int:
        """The number of events of the cell."""
        return sum(slot.events for slot in self.slots)


class ProjectionKey(NamedTuple):
    """A cost by some of the dimensions in one window."""

    granularity: Granularity
    start: int
    projection: str
    values: tuple[str, ...]
    resource_type: str
    source: str
    cost_unit: str


class ProjectionRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What it comes to; `unpriced` counts events without a price."""

    version: int
    events: int
    units: Decimal
    amount: Decimal
    unpriced: int


class BudgetRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A budget whose spend is folded here."""

    version: int
    budget_id: str
    budget_version: int
    terms: tuple[tuple[str, str], ...]
    period: str
    timezone: str
    week_start: int = 0  # Monday

    @property
    def scope(self) -> ScopeFilter:
        """What the budget limits."""
        return ScopeFilter(self.terms)

    def period_at(self, instant: int) -> Period:
        """Return the budget's period that holds an instant."""
        return period_at(self.period, self.timezone, instant, self.week_start)


class SpendKey(NamedTuple):
    """One period of one version of a budget; `period_start` in epoch seconds."""

    budget_id: str
    budget_version: int
    period_start: int


class SpendRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """This partition's part of the spend; `at` is the newest minute folded."""

    version: int
    spent: Decimal
    at: int


class Watermark(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The newest event time that any source partition reported (epoch seconds)."""

    version: int
    at: int


class CostReader(Protocol):
    """Rows as they are before the group that is being folded."""

    def cell(self, key: CostCellKey) -> CellRow | None: ...
    def projection(self, key: ProjectionKey) -> ProjectionRow | None: ...
    def spend(self, key: SpendKey) -> SpendRow | None: ...
    def window(self, projection: str, window: Window) -> Iterator[tuple[ProjectionKey, ProjectionRow]]: ...


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
    projections: dict[ProjectionKey, ProjectionRow] = field(default_factory=dict)
    spends: dict[SpendKey, SpendRow] = field(default_factory=dict)


@dataclass
class _Delta:
    """What a scope gains in a window."""

    version: int = 0
    events: int = 0
    units: Decimal = ZERO
    amount: Decimal = ZERO
    unpriced: int = 0

    def add(self, other: _Delta) -> None:
        self.version = max(self.version, other.version)
        self.events += other.events
        self.units += other.units
        self.amount += other.amount
        self.unpriced += other.unpriced


# scope, resource type, source, cost unit
_Line = tuple[Scope, str, str, str]


def newest(arrived: Iterable[Arrived]) -> dict[CostCellKey, list[Arrived]]:
    """Keep, of each cell and source accumulation, the newest total; by cell."""
    latest: dict[tuple[CostCellKey, int, int], Arrived] = {}
    for one in arrived:
        total = one.total
        cell = CostCell(
            total.tenant, total.environment, total.feature, total.service, total.team,
            total.resource_type, total.price_id, total.cost_unit, one.source,
        )  # fmt: skip
        slot = (CostCellKey(total.minute, cell), one.partition, total.first)
        known = latest.get(slot)
        if known is None or known.total.version <= total.version:
            latest[slot] = one
    by_cell: defaultdict[CostCellKey, list[Arrived]] = defaultdict(list)
    for (key, _, _), one in latest.items():
        by_cell[key].append(one)
    return by_cell


def groups(cells: dict[CostCellKey, list[Arrived]]) -> Iterator[list[tuple[CostCellKey, list[Arrived]]]]:
    """Split cells into groups that are written one after the other."""
    items = list(cells.items())
    for at in range(0, len(items), GROUP_CELLS):
        yield items[at : at + GROUP_CELLS]


class Rollup:
    """The cost tables of one owner partition; `budgets` are those whose spend is folded."""

    def __init__(self, reader: CostReader, budgets: Iterable[BudgetRow] = ()) -> None:
        self._reader = reader
        self.budgets = {budget.budget_id: budget for budget in budgets}

    def fold(self, cells: Sequence[tuple[CostCellKey, list[Arrived]]]) -> Group:
        """Fold one group; nothing is written."""
        group = Group()
        deltas: dict[int, dict[_Line, _Delta]] = defaultdict(dict)
        with localcontext(EXACT):
            for key, arrived in cells:
                delta = self._overwrite(key, arrived, group)
                if delta is not None:
                    line = (key.cell.scope, key.cell.resource_type, key.cell.source, key.cell.cost_unit)
                    deltas[key.minute].setdefault(line, _Delta()).add(delta)
            self._project(deltas, group)
            self._spend(deltas, group)
        return group

    def open_period(self, budget: BudgetRow, instant: int) -> tuple[SpendKey, SpendRow]:
        """Return the spend so far of the period that holds an instant, from what is already in the tables."""
        period = budget.period_at(instant)
        key = SpendKey(budget.budget_id, budget.budget_version, period.start)
        row = self._reader.spend(key)
        if row is None:
            with localcontext(EXACT):
                row = SpendRow(budget.version, self._spent_so_far(budget, period), instant)
        return key, row

    def _overwrite(self, key: CostCellKey, arrived: list[Arrived], group: Group) -> _Delta | None:
        row = self._reader.cell(key)
        slots = {} if row is None else {(slot.partition, slot.first): slot for slot in row.slots}
        delta = _Delta(version=-1 if row is None else row.version)
        changed = False
        for one in arrived:
            total = one.total
            old = slots.get((one.partition, total.first))
            if old is not None and old.version >= total.version:
                continue
            changed = True
            slots[one.partition, total.first] = Slot(
                one.partition, total.first, total.version, total.events, total.units, total.amount
            )
            delta.add(_difference(one, old))
        group.cells[key] = CellRow(delta.version, list(slots.values()))
        return delta if changed else None

    def _project(self, deltas: dict[int, dict[_Line, _Delta]], group: Group) -> None:
        windows: dict[tuple[Granularity, int], dict[_Line, _Delta]] = defaultdict(dict)
        for minute, lines in deltas.items():
            for granularity in Granularity:
                window = windows[granularity, floor(minute, granularity.seconds)]
                for line, delta in lines.items():
                    window.setdefault(line, _Delta()).add(delta)
        for (granularity, start), lines in windows.items():
            for key, delta in _by_projection(granularity, start, lines).items():
                group.projections[key] = _gain(self._reader.projection(key), delta)

    def _spend(self, deltas: dict[int, dict[_Line, _Delta]], group: Group) -> None:
        gains: dict[SpendKey, _Delta] = {}
        owners: dict[SpendKey, tuple[BudgetRow, int]] = {}
        matching = _Matcher(self.budgets.values())
        for minute, lines in deltas.items():
            for (scope, _, _, _), delta in lines.items():
                for budget in matching(scope):
                    key = SpendKey(budget.budget_id, budget.budget_version, budget.period_at(minute).start)
                    gains.setdefault(key, _Delta()).add(delta)
                    owners[key] = budget, max(minute, owners[key][1] if key in owners else 0)
        for key, delta in gains.items():
            budget, newest_minute = owners[key]
            _, row = self.open_period(budget, newest_minute)
            group.spends[key] = SpendRow(
                max(row.version, delta.version), row.spent + delta.amount, max(row.at, newest_minute)
            )

    def _spent_so_far(self, budget: BudgetRow, period: Period) -> Decimal:
        scope = budget.scope
        return sum(
            (
                row.amount
                for window in cover(period.start, period.end)
                for key, row in self._reader.window(FULL, window)
                if scope.matches(Scope(*key.values))
            ),
            ZERO,
        )


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


def _difference(one: Arrived, old: Slot | None) -> _Delta:
    total = one.total
    events = total.events - (old.events if old else 0)
    return _Delta(
        version=one.offset,
        events=events,
        units=total.units - (old.units if old else ZERO),
        amount=(total.amount or ZERO) - ((old.amount if old else None) or ZERO),
        unpriced=events if total.amount is None else 0,
    )


def _by_projection(granularity: Granularity, start: int, lines: dict[_Line, _Delta]) -> dict[ProjectionKey, _Delta]:
    projected: dict[ProjectionKey, _Delta] = {}
    for name, dimensions in PROJECTIONS.items():
        picked = tuple(DIMENSIONS.index(dimension) for dimension in dimensions)
        for (scope, resource_type, source, cost_unit), delta in lines.items():
            values = tuple(scope[index] for index in picked)
            key = ProjectionKey(granularity, start, name, values, resource_type, source, cost_unit)
            known = projected.get(key)
            if known is None:
                known = projected[key] = _Delta()
            known.add(delta)
    return projected


def _gain(row: ProjectionRow | None, delta: _Delta) -> ProjectionRow:
    if row is None:
        return ProjectionRow(delta.version, delta.events, delta.units, delta.amount, delta.unpriced)
    return ProjectionRow(
        max(row.version, delta.version),
        row.events + delta.events,
        row.units + delta.units,
        row.amount + delta.amount,
        row.unpriced + delta.unpriced,
    )
