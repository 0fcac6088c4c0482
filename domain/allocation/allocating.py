"""Allocating shared charges: the first rule that selects a charge splits it, and its parts sum to it.

The parts stand instead of the charge. When no driver of the rule has a quantity on the day of the charge, the charge
is one part, `unattributed` in the dimensions of the rule: it waits there for usage or for a better rule, and is never
lost.

Where a rule names the meter of a capacity, as that of a Kubernetes cluster's nodes, what its receivers requested
bears its part of the capacity, and the rest is `__idle__`: on a day that was over-committed nothing is.

Nothing of this is stored: whoever asks again after late usage, a restated bill or a newer rule is told the parts
as they should have been.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from domain.allocation.charges import charge_of
from domain.allocation.drivers import WEIGHTS, Driver
from domain.allocation.split import Weights
from domain.allocation.usage import Question
from domain.cells import CostRow
from domain.cloudevents import event_id as hashed
from domain.money import EXACT, ZERO
from domain.scope import DIMENSIONS, UNATTRIBUTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from domain.allocation.charges import Charge
    from domain.allocation.rules import Rule
    from domain.allocation.usage import Receiver, Usage
    from domain.scope import Scope

ALLOCATED: Final = "costguard.cost.allocated"
NOBODY: Final = Driver(UNATTRIBUTED)
MAX_REMEMBERED: Final = 500_000
# As OpenCost names what nobody requested.
IDLE: Final = "__idle__"
_ONE: Final = Decimal(1)


class Part(NamedTuple):
    """What one receiver bears of a charge, by which rule and why; `ratio` is its share (the ratios sum to 1)."""

    charge: Charge
    scope: Scope
    amount: Decimal
    rule: Rule
    receiver: Receiver
    driver: Driver
    quantity: Decimal
    ratio: Decimal

    @property
    def id(self) -> str:
        """The same for the same receiver, rule, version and charge."""
        charge = self.charge
        origin = str(charge.day), *charge.scope, charge.resource_type, charge.source
        return hashed(ALLOCATED, *origin, self.rule.id, str(self.rule.version), *self.receiver)


class _Shares(NamedTuple):
    """Who bears a charge: the same for all charges of one rule on one day."""

    driver: Driver
    quantities: Mapping[Receiver, Decimal]
    weights: Weights
    ratios: Sequence[Decimal]


class Allocator:
    """Rules in their order, over usage."""

    def __init__(self, rules: Iterable[Rule], usage: Usage) -> None:
        self._rules = tuple(rules)
        self._usage = usage
        self._shares: dict[tuple[int, int], _Shares] = {}
        # Which rules select charges of a scope, a resource type and a source: the same on every day.
        self._selecting: dict[tuple[object, ...], tuple[int, ...]] = {}

    def allocate(self, charge: Charge) -> list[Part]:
        """Return the parts of a charge; none when no rule selects it, and it stays as it is."""
        place = self._place(charge)
        return [] if place is None else _parts(charge, self._rules[place], self._shares_of(place, charge.day))

    def allocate_line(self, row: CostRow) -> Iterator[CostRow]:
        """Yield what a line of the full projection becomes: its parts, and itself with its usage but no amount."""
        charge = charge_of(row)
        place = self._place(charge)
        if place is None:
            yield row
            return
        yield row._replace(amount=ZERO)
        shares = self._shares_of(place, charge.day)
        to = [DIMENSIONS.index(name) for name in self._rules[place].to]
        scope = list(row.scope)
        for receiver, amount in zip(shares.quantities, shares.weights.split(row.amount), strict=True):
            for at, name in zip(to, receiver, strict=True):
                scope[at] = name
            borne = tuple(scope)
            yield CostRow(row.window, borne, row.resource_type, row.source, row.cost_unit, amount, ZERO, 0, 0)

    def _place(self, charge: Charge) -> int | None:
        """Return which rule is the first that selects a charge."""
        key = charge[1:4]
        places = self._selecting.get(key)
        if places is None:
            facts = charge.facts
            places = tuple(place for place, rule in enumerate(self._rules) if rule.selects(facts))
            if len(self._selecting) < MAX_REMEMBERED:
                self._selecting[key] = places
        return next((place for place in places if self._rules[place].holds(charge.day)), None)

    def _shares_of(self, place: int, day: int) -> _Shares:
        key = place, day
        if key not in self._shares:
            self._shares[key] = _make_shares(*self._quantities(self._rules[place], day))
        return self._shares[key]

    def _quantities(self, rule: Rule, day: int) -> tuple[Driver, Mapping[Receiver, Decimal]]:
        for driver in rule.drivers:
            if driver.name == WEIGHTS:
                return driver, dict(rule.weights)
            question = Question(day, driver, rule.to, rule.among)
            if found := self._usage.by_receiver(question) | self._idle(rule, question):
                return driver, found
        return NOBODY, {(UNATTRIBUTED,) * len(rule.to): _ONE}

    def _idle(self, rule: Rule, question: Question) -> dict[Receiver, Decimal]:
        """Return what nobody used of the rule's capacity; a fallback driver uses none."""
        if rule.capacity is None or question.driver != rule.drivers[0]:
            return {}
        of_all = question._replace(to=())
        used = self._usage.by_receiver(of_all).get((), ZERO)
        free = EXACT.subtract(self._usage.by_receiver(of_all._replace(driver=rule.capacity)).get((), ZERO), used)
        return {(IDLE,) * len(rule.to): free} if free > 0 else {}


def _make_shares(driver: Driver, quantities: Mapping[Receiver, Decimal]) -> _Shares:
    weights = Weights(list(quantities.values()))
    return _Shares(driver, quantities, weights, weights.split(_ONE))


def _parts(charge: Charge, rule: Rule, shares: _Shares) -> list[Part]:
    amounts = shares.weights.split(charge.amount)
    return [
        Part(
            charge,
            charge.scope._replace(**dict(zip(rule.to, receiver, strict=True))),
            amount,
            rule,
            receiver,
            shares.driver,
            quantity,
            ratio,
        )
        for (receiver, quantity), amount, ratio in zip(shares.quantities.items(), amounts, shares.ratios, strict=True)
    ]
