"""What drives an allocation: our own metered usage, summed per receiver over the time of a charge.

A line counts for a charge when their times overlap: usage kept by the day stands for each hour of that day. A sum
below zero (more was corrected than used) counts as zero: drivers are never negative.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final, NamedTuple

from domain.allocation.drivers import EVEN, Driver
from domain.allocation.patterns import all_fit
from domain.money import EXACT, ZERO
from domain.scope import UNATTRIBUTED

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from domain.allocation.patterns import Pattern
    from domain.scope import Scope

Receiver = tuple[str, ...]
_MAX_REMEMBERED: Final = 10_000


class UsageLine(NamedTuple):
    """Metered usage of one kind in `[start, end)` (epoch seconds); active users are of the kind `ACTIVE_USERS`."""

    start: int
    end: int
    scope: Scope
    resource_type: str
    units: Decimal
    events: int = 0


class Question(NamedTuple):
    """What is asked of usage: in which time, how much by which driver, of whom, and by which dimensions apart."""

    start: int
    end: int
    driver: Driver
    to: tuple[str, ...]
    among: tuple[Pattern, ...] = ()


class Usage:
    """Usage lines, in order of time."""

    def __init__(self, lines: Iterable[UsageLine] = ()) -> None:
        self._lines = sorted(lines, key=lambda line: line.start)
        self._starts = [line.start for line in self._lines]
        self._longest = max((line.end - line.start for line in self._lines), default=0)
        self._answers: dict[Question, dict[Receiver, Decimal]] = {}

    def by_receiver(self, question: Question) -> dict[Receiver, Decimal]:
        """Return the quantity above zero of each receiver (values of `to`), in order of names."""
        known = self._answers.get(question)
        if known is None:
            if len(self._answers) >= _MAX_REMEMBERED:
                self._answers.clear()
            known = self._answers[question] = self._sum(question)
        return known

    def _during(self, start: int, end: int) -> Iterable[UsageLine]:
        first = bisect_left(self._starts, start - self._longest)
        last = bisect_left(self._starts, end)
        return (line for line in self._lines[first:last] if line.end > start)

    def _sum(self, question: Question) -> dict[Receiver, Decimal]:
        measure = question.driver.measure
        sums: dict[Receiver, Decimal] = {}
        for line in self._during(question.start, question.end):
            quantity = measure(line.resource_type, line.units, line.events)
            if quantity and all_fit(question.among, line.scope._asdict()):
                receiver = tuple(getattr(line.scope, name) for name in question.to)
                sums[receiver] = EXACT.add(sums.get(receiver, ZERO), quantity)
        found = {receiver: quantity for receiver, quantity in sorted(sums.items()) if quantity > 0}
        return _named(found) if question.driver.name == EVEN else found


def _named(sums: dict[Receiver, Decimal]) -> dict[Receiver, Decimal]:
    """Keep those that somebody named, each as much as the other: what nobody is known to use has no even part."""
    return {receiver: EXACT.create_decimal(1) for receiver in sums if any(name != UNATTRIBUTED for name in receiver)}
