"""What is known of days beforehand: holidays are like weekends, planned events are nobody's alarm.

The section `[anomaly]` of the configuration, checked by `app.configuration`.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from domain.windows import DAY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from domain.scope import ScopeFilter

SATURDAY: Final = 5
MAX_FAST: Final = 500  # their models are written at once
_EPOCH_WEEKDAY: Final = 3  # 1970-01-01 was a Thursday; Monday is 0


class Planned(NamedTuple):
    """Something that people know of: spend of these scopes from `start` to `end` (epoch seconds) is as it should be."""

    scope: ScopeFilter
    start: int
    end: int
    reason: str

    def covers(self, scope: Mapping[str, str], instant: int) -> bool:
        """Tell whether the spend of a scope at an instant is planned."""
        return self.start <= instant < self.end and all(scope.get(name) == value for name, value in self.scope.terms)


@dataclass(frozen=True, slots=True)
class AnomalySettings:
    """What people decide about detection: `minimum` is the money a day below which nothing is told.

    `fast` is how many scopes and drivers are judged every five minutes, of those with `fast_events` an hour.
    """

    enabled: bool = True
    minimum: Decimal = Decimal("1.00")
    fast: int = 200
    fast_events: int = 4
    holidays: frozenset[int] = frozenset()  # first seconds of days, UTC
    planned: tuple[Planned, ...] = ()

    def is_rest_day(self, instant: int) -> bool:
        """Tell whether a day is a weekend or a holiday."""
        return weekday(instant) >= SATURDAY or instant - instant % DAY in self.holidays

    def is_planned(self, scope: Mapping[str, str], instant: int) -> bool:
        """Tell whether what a scope spends at an instant was planned."""
        return any(event.covers(scope, instant) for event in self.planned)


def weekday(instant: int) -> int:
    """Return the day of the week in UTC; Monday is 0."""
    return (instant // DAY + _EPOCH_WEEKDAY) % 7
