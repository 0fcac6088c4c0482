"""What drives an allocation: our own metered usage of the same day, summed per receiver.

The share of a day is the same in each of its hours, so that hours sum to days. A sum below zero (more was corrected
than used) counts as zero: drivers are never negative.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from domain.allocation.drivers import EVEN, USERS_METER, Driver
from domain.allocation.patterns import all_fit
from domain.money import EXACT, ZERO
from domain.scope import UNATTRIBUTED, Scope
from domain.sources import METERED, parse
from domain.windows import DAY, floor

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from domain.allocation.patterns import Pattern
    from domain.allocation.rules import Rule
    from domain.cells import CostRow

Receiver = tuple[str, ...]


class UsageLine(NamedTuple):
    """Metered usage of one kind on the day that begins at `day` (epoch seconds)."""

    day: int
    scope: Scope
    resource_type: str
    units: Decimal
    events: int = 0


class Question(NamedTuple):
    """What is asked of usage: on which day, how much by which driver, to whom, and among whose."""

    day: int
    driver: Driver
    to: tuple[str, ...]
    among: tuple[Pattern, ...] = ()


class Usage:
    """Usage by day."""

    def __init__(self, lines: Iterable[UsageLine] = ()) -> None:
        self._days: defaultdict[int, list[UsageLine]] = defaultdict(list)
        for line in lines:
            self._days[line.day].append(line)

    def by_receiver(self, question: Question) -> dict[Receiver, Decimal]:
        """Return the quantity above zero of each receiver (values of `to`), in order of names."""
        measure = question.driver.measure
        sums: dict[Receiver, Decimal] = {}
        for line in self._days.get(question.day, ()):
            quantity = measure(line.resource_type, line.units, line.events)
            if quantity and (not question.among or all_fit(question.among, line.scope._asdict())):
                receiver = tuple(getattr(line.scope, name) for name in question.to)
                sums[receiver] = EXACT.add(sums.get(receiver, ZERO), quantity)
        found = {receiver: quantity for receiver, quantity in sorted(sums.items()) if quantity > 0}
        return _named(found) if question.driver.name == EVEN else found


def usage_of(rows: Iterable[CostRow], rules: Sequence[Rule]) -> Iterable[UsageLine]:
    """Yield those lines of the full projection that drive one of the rules."""
    drivers = {driver for rule in rules for driver in rule.drivers}
    meters = {driver.meter for driver in drivers} | {rule.capacity.meter for rule in rules if rule.capacity}
    any_usage = any(driver.counts_any_usage for driver in drivers)
    for row in rows:
        if (any_usage or row.resource_type in meters) and parse(row.source).kind == METERED:
            day = floor(row.window.start, DAY)
            yield UsageLine(day, Scope(*row.scope), row.resource_type, row.units, row.events)


def users_seen(lines: Iterable[UsageLine], counted: Mapping[int, Mapping[str, int]]) -> Iterator[UsageLine]:
    """Yield the users that usage named, by day and tenant, of those whose number no event told on that day."""
    told = {(line.day, line.scope.tenant) for line in lines if line.resource_type == USERS_METER}
    for day, tenants in counted.items():
        for tenant, users in tenants.items():
            if (day, tenant) not in told:
                yield UsageLine(day, Scope(tenant), USERS_METER, Decimal(users))


def need_users(rules: Iterable[Rule]) -> bool:
    """Tell whether users drive one of the rules."""
    return any(driver.meter == USERS_METER for rule in rules for driver in rule.drivers)


def _named(sums: dict[Receiver, Decimal]) -> dict[Receiver, Decimal]:
    """Keep those that somebody named, each as much as the other: what nobody is known to use has no even part."""
    return {receiver: EXACT.create_decimal(1) for receiver in sums if any(name != UNATTRIBUTED for name in receiver)}
