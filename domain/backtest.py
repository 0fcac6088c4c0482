"""History once more, under other rules: what proposed budgets, flag rules and detection would have told.

Hours of cost go in, in order, as detection gets them live; budgets are judged at the end of each hour, which live they
are every second. Nothing is read or sent. Hours before `since` are learnt from and not told of.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from domain import budgets
from domain.anomaly.detection import Hourly, MemoryStates
from domain.anomaly.episodes import label
from domain.money import ZERO, add, quantity_to_text
from domain.periods import step_at
from domain.scope import Scope
from domain.windows import HOUR, MINUTE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from decimal import Decimal

    from domain.anomaly.calendar import AnomalySettings
    from domain.anomaly.episodes import Episode
    from domain.anomaly.hours import HourLine
    from domain.budgets import Budget, Foreseen, State, ThresholdCrossed

BUDGET: Final = "budget"
ANOMALY: Final = "anomaly"


class Fired(NamedTuple):
    """Something told: `at` is event time (epoch seconds), `what` budget or anomaly.

    `key` is the same for the same thing told by another run or by the system itself.
    """

    at: int
    what: str
    scope: str
    detail: str
    key: tuple[str, ...]
    flags: tuple[str, ...] = ()


class _Period:
    def __init__(self) -> None:
        self.spent: Decimal = ZERO
        self.state: State = budgets.NEW
        self.foreseen: Foreseen | None = None
        self.warned: State = budgets.NEW


class _Played:
    """One budget: its periods by start, and the steps that its forecasts look back on."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.periods: defaultdict[int, _Period] = defaultdict(_Period)
        self.steps: dict[int, Decimal] = {}

    def hour(self, hour: int, lines: Iterable[HourLine]) -> list[ThresholdCrossed]:
        """Spend what an hour has of this budget; return what that crosses."""
        budget = self.budget
        amount = ZERO
        for line in lines:
            if budget.scope.matches(Scope(*line.values)):
                amount = add(amount, line.amount)
        if not amount:
            return []
        at = hour + HOUR - MINUTE
        period = budget.period_at(hour)
        known, step = self.periods[period.start], step_at(period, hour)
        known.spent = add(known.spent, amount)
        self.steps[step.start] = add(self.steps.get(step.start, ZERO), amount)
        known.state, crossed = budgets.evaluate(budget, period, known.state, known.spent)
        known.foreseen = budgets.foresee(budget, period, known.spent, at, self.steps) or known.foreseen
        known.warned, warned = budgets.warn(budget, period, known.warned, known.foreseen, known.spent)
        return crossed + warned


class Backtest:
    """A run over history; `fired` is what would have been told from `since` (epoch seconds) on, in order."""

    def __init__(self, defined: Iterable[Budget], settings: AnomalySettings, since: int) -> None:
        self._budgets = [_Played(budget) for budget in defined]
        self._settings = settings
        self._since = since
        self._states = MemoryStates()
        self._episodes: dict[str, Episode] = {}
        self.fired: list[Fired] = []

    def hour(self, hour: int, lines: Sequence[HourLine]) -> None:
        """Play one hour (its first second); hours without cost are to be given, too."""
        told = [_crossed(event, hour) for played in self._budgets for event in played.hour(hour, lines)]
        if self._settings.enabled:
            told += self._look(hour, lines)
        if hour >= self._since:
            self.fired += told

    def _look(self, hour: int, lines: Sequence[HourLine]) -> list[Fired]:
        hourly = Hourly(self._states, self._episodes, self._settings)
        for _ in hourly.hour(hour, lines, hour):
            pass
        self._states.rows |= hourly.states
        self._episodes |= hourly.keeper.changed
        return [_found(self._episodes[each]) for each in hourly.keeper.opened]


def _crossed(event: ThresholdCrossed, hour: int) -> Fired:
    threshold = quantity_to_text(event.threshold)
    flags = tuple(
        f"{rule.key}={rule.variant}"
        for rule in event.budget.flags
        if (rule.at, rule.on, event.direction) == (event.threshold, event.kind, "crossed")
    )
    scope = str(event.budget.scope)
    return budget_fired(hour + HOUR, scope, (event.kind, event.direction, threshold), event.period.start, flags)


def budget_fired(
    at: int, scope: str, what: tuple[str, str, str], period_start: int, flags: tuple[str, ...] = ()
) -> Fired:
    """Return a threshold told; `what` is kind, direction and threshold."""
    kind, direction, threshold = what
    detail = f"{kind} {direction} {threshold}"
    return Fired(at, BUDGET, scope, detail, (BUDGET, scope, *what, str(period_start)), flags)


def anomaly_fired(at: int, scope: str, kind: str, driver: str, *, above: bool) -> Fired:
    """Return an anomaly told; two of one day and direction are the same."""
    day = str(at // (24 * HOUR))
    return Fired(at, ANOMALY, scope, f"{kind}, {driver}", (ANOMALY, scope, driver, str(above), day))


def _found(episode: Episode) -> Fired:
    return anomaly_fired(episode.first, label(episode.key), episode.kind, episode.driver, above=episode.above)


def compare(would: Sequence[Fired], did: Sequence[Fired]) -> list[tuple[Fired, bool, bool]]:
    """Return everything told by either, in order of time: with whether proposed rules would, and whether it was."""
    first: dict[tuple[str, ...], Fired] = {}
    for each in (*would, *did):
        first.setdefault(each.key, each)
    proposed, told = {each.key for each in would}, {each.key for each in did}
    rows = [(each, key in proposed, key in told) for key, each in first.items()]
    return sorted(rows, key=lambda row: (row[0].at, row[0].what, row[0].scope, row[0].detail))
