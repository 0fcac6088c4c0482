"""Allocating shared charges: the first rule that selects a charge splits it, and its parts sum to it on every basis.

The parts stand instead of the charge. When no driver of the rule has a quantity in the time of the charge, the charge
is one part, `unattributed` in the dimensions of the rule: it waits there for usage or for a better rule, and is never
lost. Allocating again with more usage, or with a newer rule, gives the parts as they should have been;
`corrections` says what is to be added to those that were published.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from domain.allocation.charges import Costs
from domain.allocation.drivers import WEIGHTS, Driver
from domain.allocation.split import Weights
from domain.allocation.usage import Question
from domain.cloudevents import event_id as hashed
from domain.money import EXACT, ZERO
from domain.scope import UNATTRIBUTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from domain.allocation.charges import Charge
    from domain.allocation.rules import Rule
    from domain.allocation.usage import Receiver, Usage
    from domain.scope import Scope

ALLOCATED: Final = "costguard.cost.allocated"
NOBODY: Final = Driver(UNATTRIBUTED)
_ONE: Final = Decimal(1)


class Part(NamedTuple):
    """What one receiver bears of a charge, by which rule and why; `ratio` is its share (the ratios sum to 1)."""

    id: str
    charge: Charge
    scope: Scope
    costs: Costs
    rule: Rule
    receiver: Receiver
    driver: Driver
    quantity: Decimal
    ratio: Decimal


class _Shares(NamedTuple):
    """Who bears a charge: the same for all charges of one rule in one time."""

    driver: Driver
    quantities: Mapping[Receiver, Decimal]
    weights: Weights
    ratios: Sequence[Decimal]


class Allocator:
    """Rules in their order, over usage."""

    def __init__(self, rules: Iterable[Rule], usage: Usage) -> None:
        self._rules = tuple(rules)
        self._usage = usage
        self._shares: dict[tuple[int, int, int], _Shares] = {}

    def allocate(self, charge: Charge) -> list[Part]:
        """Return the parts of a charge; none when no rule selects it, and it stays as it is."""
        facts = charge.selectable
        for place, rule in enumerate(self._rules):
            if rule.selects(charge.start, facts):
                return _parts(charge, rule, self._shares_of(place, rule, charge))
        return []

    def _shares_of(self, place: int, rule: Rule, charge: Charge) -> _Shares:
        key = place, charge.start, charge.end
        if key not in self._shares:
            self._shares[key] = _make_shares(*self._quantities(rule, charge))
        return self._shares[key]

    def _quantities(self, rule: Rule, charge: Charge) -> tuple[Driver, Mapping[Receiver, Decimal]]:
        for driver in rule.drivers:
            if driver.name == WEIGHTS:
                return driver, dict(rule.weights)
            question = Question(charge.start, charge.end, driver, rule.to, rule.among)
            if found := self._usage.by_receiver(question):
                return driver, found
        return NOBODY, {(UNATTRIBUTED,) * len(rule.to): _ONE}


def _make_shares(driver: Driver, quantities: Mapping[Receiver, Decimal]) -> _Shares:
    weights = Weights(list(quantities.values()))
    return _Shares(driver, quantities, weights, weights.split(_ONE))


def _parts(charge: Charge, rule: Rule, shares: _Shares) -> list[Part]:
    split = [[None] * len(shares.weights) if cost is None else shares.weights.split(cost) for cost in charge.costs]
    parts = zip(shares.quantities.items(), shares.ratios, *split, strict=True)
    return [
        Part(
            hashed(ALLOCATED, charge.id, rule.id, str(rule.version), *receiver),
            charge,
            charge.scope._replace(**dict(zip(rule.to, receiver, strict=True))),
            Costs(*costs),
            rule,
            receiver,
            shares.driver,
            quantity,
            ratio,
        )
        for (receiver, quantity), ratio, *costs in parts
    ]


def corrections(before: Iterable[Part], after: Iterable[Part]) -> dict[Scope, Costs]:
    """Return what to add to published parts of one charge, by scope, so that they become these; they sum to zero."""
    differences: dict[Scope, Costs] = {}
    for sign, parts in ((-_ONE, before), (_ONE, after)):
        for part in parts:
            known = differences.get(part.scope, Costs())
            differences[part.scope] = Costs(
                *(_plus(old, new, sign) for old, new in zip(known, part.costs, strict=True))
            )
    return {scope: costs for scope, costs in differences.items() if any(costs)}


def _plus(known: Decimal | None, added: Decimal | None, sign: Decimal) -> Decimal | None:
    return known if added is None else EXACT.add(known or ZERO, EXACT.multiply(sign, added))
