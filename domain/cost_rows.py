"""The rows of the cost tables, and their keys: see `tables.costs` for how they are stored."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from domain.money import ZERO
from domain.periods import period_at, step_at
from domain.scope import Scope, ScopeFilter
from domain.sources import BILLED, METERED, parse
from domain.windows import Window

if TYPE_CHECKING:
    from domain.periods import Period


# Lines that come again and again, in all scopes that a worker sees; some hundred bytes each.
LINES_REMEMBERED: Final = 250_000


class CostCell(msgspec.Struct, frozen=True, array_like=True, gc=False, cache_hash=True):
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


class Line(msgspec.Struct, frozen=True, cache_hash=True, gc=False):
    """What is told apart within a projection; `values` are those of its dimensions. A key everywhere: hashed once."""

    values: tuple[str, ...]
    resource_type: str
    source: str
    cost_unit: str


class Place(NamedTuple):
    """Where lines of cost stand: one projection in one window."""

    window: Window
    projection: str


class ProjectionKey(msgspec.Struct, frozen=True, cache_hash=True, gc=False):
    """A cost by some of the dimensions in one window."""

    window: Window
    projection: str
    line: Line

    @property
    def place(self) -> Place:
        """Where the line stands."""
        return Place(self.window, self.projection)


class ProjectionRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What it comes to; `unpriced` counts events without a price."""

    version: int
    events: int
    units: Decimal
    amount: Decimal
    unpriced: int


Projected = Mapping[Place, Mapping[Line, ProjectionRow]]
"""Rows of projected cost, by where they stand."""


class BudgetRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A budget whose spend is folded here."""

    version: int
    budget_id: str
    budget_version: int
    terms: tuple[tuple[str, str], ...]
    period: str
    timezone: str
    week_start: int = 0  # Monday
    basis: str = "best"

    @property
    def scope(self) -> ScopeFilter:
        """What the budget limits."""
        return ScopeFilter(self.terms)

    def counts(self, source: str) -> bool:
        """Tell whether cost from a source (`domain.sources`) counts towards the budget.

        Metered cost, unless the basis is `billed`: a budget acts within seconds, and a bill comes days later.
        """
        origin = parse(source)
        if self.basis == BILLED:
            return origin.kind == BILLED and origin.basis == BILLED
        return origin.kind == METERED

    def period_at(self, instant: int) -> Period:
        """Return the budget's period that holds an instant."""
        return period_at(self.period, self.timezone, instant, self.week_start)

    def step_at(self, instant: int) -> Period:
        """Return the step of that period that holds an instant: what a forecast is made from."""
        return step_at(self.period_at(instant), instant)


class SpendKey(NamedTuple):
    """One period of one version of a budget, or one `step` of it; `period_start` in epoch seconds."""

    budget_id: str
    budget_version: int
    period_start: int
    step: bool = False


class SpendRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """This partition's part of the spend; `at` is the newest minute folded, `unpriced` the events without a price."""

    version: int
    spent: Decimal
    at: int
    unpriced: int = 0


class Watermark(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The newest event time that any source partition reported (epoch seconds)."""

    version: int
    at: int
