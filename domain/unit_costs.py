"""What one request, task, query or job, one GB, a thousand tokens of a feature cost, and how that changed.

What a call produces carries the whole cost of its feature: compute, storage and models alike. A GB and a thousand
tokens carry what was paid for the traffic and for the tokens themselves. Nothing is divided by zero: a feature
without requests has no cost per request.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from typing import TYPE_CHECKING, Final

from domain.money import EXACT, RATIO, ZERO
from domain.queries.asking import COST_UNIT, FEATURE, RESOURCE_TYPE

if TYPE_CHECKING:
    from domain.queries import Costs, Group

# What the cost has to be grouped by.
BY: Final = (FEATURE, RESOURCE_TYPE, COST_UNIT)
PRODUCED: Final = ("request", "task", "query", "job")
GIGABYTE: Final = "gb"
THOUSAND_TOKENS: Final = "1k_tokens"
UNITS: Final = (*PRODUCED, GIGABYTE, THOUSAND_TOKENS)
EGRESS: Final = "network.egress_gb"
LLM_TOKENS: Final = "third_party.llm_tokens"

# Unit costs and trends are quotients, for people: 12 significant digits, ties to even.
SHOWN: Final = Context(prec=12, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class Produced:
    """How many units of something a feature produced, what they cost together, and how many events lack a price."""

    count: Decimal
    cost: Decimal
    unpriced: int = 0

    @property
    def priced(self) -> bool:
        """Tell whether the cost is known: what comes to 0 and lacks prices did not cost nothing."""
        return bool(self.cost) or not self.unpriced


# By feature, then by unit.
Production = dict[str, dict[str, Produced]]


@dataclass(frozen=True, slots=True)
class UnitCost:
    """One line of the answer; `trend_percent` is None when there was nothing to compare with, costs without a price."""

    feature: str
    unit: str
    count: Decimal
    cost: Decimal | None
    unit_cost: Decimal | None
    trend_percent: Decimal | None
    unpriced: int = 0


@dataclass
class _Feature:
    cost: Decimal = ZERO
    unpriced: int = 0
    produced: dict[str, int] = field(default_factory=dict)
    # Resource type: units, cost and events without a price.
    bought: dict[str, tuple[Decimal, Decimal, int]] = field(default_factory=dict)

    def add(self, resource_type: str, cost_unit: str, group: Group) -> None:
        self.cost += group.amount
        self.unpriced += group.unpriced
        if cost_unit in PRODUCED:
            self.produced[cost_unit] = self.produced.get(cost_unit, 0) + group.events
        if resource_type in {EGRESS, LLM_TOKENS}:
            units, cost, unpriced = self.bought.get(resource_type, (ZERO, ZERO, 0))
            more = group.units or ZERO
            self.bought[resource_type] = units + more, cost + group.amount, unpriced + group.unpriced

    def by_unit(self) -> dict[str, Produced]:
        found = {unit: Produced(Decimal(count), self.cost, self.unpriced) for unit, count in self.produced.items()}
        if EGRESS in self.bought:
            found[GIGABYTE] = Produced(*self.bought[EGRESS])
        if LLM_TOKENS in self.bought:
            tokens, cost, unpriced = self.bought[LLM_TOKENS]
            found[THOUSAND_TOKENS] = Produced(tokens / 1000, cost, unpriced)
        return {unit: found[unit] for unit in UNITS if unit in found and found[unit].count > 0}


def production(costs: Costs) -> Production:
    """Return what each feature produced, in order of features; the cost is that of a query grouped `BY`."""
    features: defaultdict[str, _Feature] = defaultdict(_Feature)
    with localcontext(EXACT):
        for group in costs.groups:
            feature, resource_type, cost_unit = group.key
            features[feature].add(resource_type, cost_unit, group)
        return {name: feature.by_unit() for name, feature in sorted(features.items(), key=_name)}


def unit_costs(now: Production, before: Production) -> list[UnitCost]:
    """Divide, and compare with the range before; by feature, then in the order of `UNITS`."""
    return [
        UnitCost(
            feature,
            unit,
            each.count,
            each.cost if each.priced else None,
            _shown(each) if each.priced else None,
            _trend(each, before.get(feature, {}).get(unit)),
            each.unpriced,
        )
        for feature, units in now.items()
        for unit, each in units.items()
    ]


def _name(item: tuple[str, _Feature]) -> str:
    return item[0]


def _shown(each: Produced) -> Decimal:
    # Divided once: rounding a rounded quotient could miss by a digit.
    return SHOWN.divide(each.cost, each.count)


def _trend(now: Produced, before: Produced | None) -> Decimal | None:
    """Return the change of the unrounded unit cost in percent."""
    if before is None or not before.cost or not now.priced:
        return None
    with localcontext(RATIO):
        old, new = before.cost / before.count, now.cost / now.count
        return SHOWN.plus((new - old) / abs(old) * 100)
