"""Rules that give charges of bills another owner, back to the first day.

The first rule that selects a charge has it. Whoever changes a rule gives it the next version: corrections name it.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from domain.allocation.patterns import Pattern, all_fit, make_pattern
from domain.billing.details import DetailKey
from domain.rejection import Rejected
from domain.scope import DIMENSIONS
from domain.windows import DAY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SELECTABLE: Final = tuple(name for name in DetailKey._fields if name not in ("day", "unit"))
MAX_ID_CHARS: Final = 64
MAX_NAME_CHARS: Final = 256
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()


class Rule(NamedTuple):
    """A rule, checked: charges that `select` means are of `to`, on days in `[since, until)` (epoch seconds)."""

    id: str
    version: int
    select: tuple[Pattern, ...]
    to: tuple[tuple[str, str], ...]
    since: int | None = None
    until: int | None = None

    def moves(self, key: DetailKey) -> bool:
        """Tell whether a charge is this rule's."""
        holds = (self.since is None or key.day >= self.since) and (self.until is None or key.day < self.until)
        return holds and all_fit(self.select, key._asdict())

    def moved(self, key: DetailKey) -> DetailKey:
        """Return what a charge is told as, once it is this rule's."""
        to: dict[str, Any] = dict(self.to)
        return key._replace(**to)


class Wording(NamedTuple):
    """A rule as it is written."""

    id: str
    select: Mapping[str, Sequence[str]]
    to: Mapping[str, str]
    version: int = 1
    since: date | None = None
    until: date | None = None


def make_rule(words: Wording) -> Rule | Rejected:
    """Check a rule; a reason begins with the name of the key that is wrong."""
    if not 0 < len(words.id.strip()) <= MAX_ID_CHARS:
        return Rejected(f"id: must have 1 to {MAX_ID_CHARS} characters")
    if words.version < 1:
        return Rejected(f"version: {words.version} is not 1 or more")
    for found in (_selection(words), _target(words)):
        if found is not None:
            return found
    since, until = _midnight(words.since), _midnight(words.until)
    if since is not None and until is not None and until <= since:
        return Rejected(f"until: {words.until} is not after since, {words.since}")
    select = tuple(make_pattern(name, patterns) for name, patterns in words.select.items())
    return Rule(words.id, words.version, select, tuple(words.to.items()), since, until)


def rule_for(key: DetailKey, rules: Sequence[Rule]) -> Rule | None:
    """Return the first rule that selects a charge."""
    return next((rule for rule in rules if rule.moves(key)), None)


def _selection(words: Wording) -> Rejected | None:
    if not words.select:
        return Rejected("select: names nothing")
    for name, patterns in words.select.items():
        if name not in SELECTABLE:
            return Rejected(f"select: {name!r} is not one of {', '.join(SELECTABLE)}")
        if not patterns or not all(pattern.removeprefix("!") for pattern in patterns):
            return Rejected(f"select: {name} has no pattern, or an empty one")
    return None


def _target(words: Wording) -> Rejected | None:
    if not words.to:
        return Rejected("to: names nobody")
    for name, value in words.to.items():
        if name not in DIMENSIONS:
            return Rejected(f"to: {name!r} is not one of {', '.join(DIMENSIONS)}")
        if not 0 < len(value.strip()) <= MAX_NAME_CHARS:
            return Rejected(f"to: {name} must have 1 to {MAX_NAME_CHARS} characters")
    return None


def _midnight(day: date | None) -> int | None:
    return None if day is None else (day.toordinal() - _EPOCH_DAY) * DAY
