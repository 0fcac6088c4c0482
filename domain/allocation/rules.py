"""Allocation rules: which charges are shared, by what, and to whom.

A rule has a version. Whoever changes a rule gives it the next: what was allocated by the old one says so.
`since` and `until` bound it to charges of the days in `[since, until)`, so that a change leaves the past alone.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final, NamedTuple

from domain.allocation.charges import NAMES
from domain.allocation.drivers import ACTIVE_USERS, WEIGHTS, Driver, parse_driver
from domain.allocation.patterns import Pattern, all_fit, make_pattern
from domain.money import ZERO
from domain.rejection import Rejected
from domain.scope import DIMENSIONS, parse_filter
from domain.windows import DAY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from domain.allocation.usage import Receiver

MAX_ID_CHARS: Final = 64
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()


class Rule(NamedTuple):
    """A rule, checked. `drivers` are tried in turn; when none has a quantity, the charge is `unattributed`.

    `to` are the dimensions that the receivers' names replace; `among` selects whose usage counts; `weights` are the
    receivers of the driver `weights`; of `capacity`, a meter, what no receiver used is idle.
    """

    id: str
    version: int
    select: tuple[Pattern, ...]
    drivers: tuple[Driver, ...]
    to: tuple[str, ...]
    among: tuple[Pattern, ...] = ()
    weights: tuple[tuple[Receiver, Decimal], ...] = ()
    capacity: Driver | None = None
    since: int | None = None
    until: int | None = None

    def selects(self, facts: Mapping[str, str]) -> bool:
        """Tell whether charges that have these facts are shared by this rule, while it holds."""
        return all_fit(self.select, facts)

    def holds(self, day: int) -> bool:
        """Tell whether the rule is for a day (epoch seconds)."""
        return (self.since is None or day >= self.since) and (self.until is None or day < self.until)


class Wording(NamedTuple):
    """A rule as it is written; see `docs/configuration.md`."""

    id: str
    driver: str
    select: Mapping[str, Sequence[str]]
    version: int = 1
    to: Sequence[str] = ("tenant",)
    among: Mapping[str, Sequence[str]] = {}
    weights: Mapping[str, Decimal] = {}
    fallback: Sequence[str] = (ACTIVE_USERS,)
    capacity: str | None = None
    since: date | None = None
    until: date | None = None


def make_rule(words: Wording) -> Rule | Rejected:
    """Check a rule; a reason begins with the name of the key that is wrong."""
    for found in (_identity(words), _names(words), _times(words)):
        if found is not None:
            return found
    drivers = _drivers(words)
    if isinstance(drivers, Rejected):
        return drivers
    capacity = _capacity(words, drivers[0])
    if isinstance(capacity, Rejected):
        return capacity
    weights = _weights(words, needed=any(driver.name == WEIGHTS for driver in drivers))
    if isinstance(weights, Rejected):
        return weights
    return Rule(
        id=words.id,
        version=words.version,
        select=tuple(make_pattern(name, patterns) for name, patterns in words.select.items()),
        drivers=drivers,
        to=_in_order(words.to),
        among=tuple(make_pattern(name, patterns) for name, patterns in words.among.items()),
        weights=weights,
        capacity=capacity,
        since=_midnight(words.since),
        until=_midnight(words.until),
    )


def _identity(words: Wording) -> Rejected | None:
    if not 0 < len(words.id.strip()) <= MAX_ID_CHARS:
        return Rejected(f"id: must have 1 to {MAX_ID_CHARS} characters")
    if words.version < 1:
        return Rejected(f"version: {words.version} is not 1 or more")
    return None


def _names(words: Wording) -> Rejected | None:
    if not words.select:
        return Rejected("select: names nothing; a rule that shares every charge must say so, as in provider = '*'")
    for name in words.select:
        if name not in NAMES:
            return Rejected(f"select: {name!r} is not one of {', '.join(NAMES)}")
    for key, names in (("to", words.to), ("among", words.among)):
        for name in names:
            if name not in DIMENSIONS:
                return Rejected(f"{key}: {name!r} is not one of {', '.join(DIMENSIONS)}")
    for key, patterns in (("select", words.select), ("among", words.among)):
        for name, values in patterns.items():
            if not values or not all(value.removeprefix("!") for value in values):
                return Rejected(f"{key}: {name} has no pattern, or an empty one")
    return None if words.to else Rejected("to: names no dimension")


def _times(words: Wording) -> Rejected | None:
    if words.since is not None and words.until is not None and words.until <= words.since:
        return Rejected(f"until: {words.until} is not after since, {words.since}")
    return None


def _drivers(words: Wording) -> tuple[Driver, ...] | Rejected:
    found = []
    for key, name in (("driver", words.driver), *(("fallback", name) for name in words.fallback)):
        driver = parse_driver(name)
        if isinstance(driver, Rejected):
            return Rejected(f"{key}: {driver.reason}")
        found.append(driver)
    return tuple(dict.fromkeys(found))


def _capacity(words: Wording, driver: Driver) -> Driver | Rejected | None:
    if words.capacity is None:
        return None
    found = parse_driver(words.capacity)
    if isinstance(found, Rejected) or found.meter != words.capacity:
        return Rejected(f"capacity: {words.capacity[:64]!r} is not a meter such as compute.cpu_capacity_seconds")
    if not driver.meter or driver.meter == found.meter:
        return Rejected(f"capacity: {driver.name!r} is no use of a capacity; cpu is, or another meter")
    return found


def _weights(words: Wording, *, needed: bool) -> tuple[tuple[Receiver, Decimal], ...] | Rejected:
    if needed != bool(words.weights):
        return Rejected("weights: missing" if needed else "weights: neither driver nor fallback is weights")
    to = _in_order(words.to)
    found: dict[Receiver, Decimal] = {}
    for text, weight in words.weights.items():
        try:
            terms = parse_filter(text).as_dict()
        except ValueError as error:
            return Rejected(f"weights: {error}")
        if tuple(terms) != to:
            return Rejected(f"weights: {text!r} does not name just {', '.join(to)}, as `to` does")
        if not weight.is_finite() or weight < 0:
            return Rejected(f"weights: {weight} of {text!r} is not 0 or more")
        found[tuple(terms.values())] = weight
    if needed and not any(found.values()):
        return Rejected("weights: all are zero")
    return tuple(sorted((receiver, weight) for receiver, weight in found.items() if weight > ZERO))


def _in_order(to: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in DIMENSIONS if name in to)


def _midnight(day: date | None) -> int | None:
    return None if day is None else (day.toordinal() - _EPOCH_DAY) * DAY
