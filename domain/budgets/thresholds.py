"""The state machine of a budget in one period: which thresholds are crossed, and what is worth telling.

- Crossed: `spent >= threshold * limit`, exactly. Every threshold that a jump passes is told, ascending.
- Cleared: a correction took `spent` below `threshold * limit` by more than the hysteresis, 1 % of the limit
  (a tenth of the threshold where that is less). Only what was told as crossed is cleared.
- An episode lasts from a crossing to its clearing. They are counted per threshold from 1, and the number is
  part of the id of both events. So each is told once, and the same history gives the same ids.

State belongs to one version of the budget and one period; a new version or period begins with `NEW`. What a
version leaves crossed when it is replaced or deleted is cleared by `withdraw`, so that whoever opened an
incident or blocked a feature for it hears of the end. A period that ends clears nothing: every event names
the end of its period.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import msgspec

from domain.budgets.kinds import ACTUAL
from domain.cloudevents import event_id
from domain.money import add, multiply, quantity_to_text

if TYPE_CHECKING:
    from domain.budgets.definition import Budget
    from domain.periods import Period

HYSTERESIS: Final = Decimal("0.01")
_SMALL_HYSTERESIS: Final = Decimal("0.1")
THRESHOLD_CROSSED: Final = "costguard.budget.threshold-crossed"

Direction = Literal["crossed", "cleared"]


class Episode(msgspec.Struct, frozen=True, array_like=True):
    """The newest episode of a threshold; `open` until it is cleared."""

    threshold: Decimal
    number: int
    open: bool


State = tuple[Episode, ...]
NEW: Final[State] = ()


class ThresholdCrossed(NamedTuple):
    """A threshold was crossed or cleared, or will be (`kind` forecast); `reason` is why it was cleared."""

    budget: Budget
    period: Period
    threshold: Decimal
    direction: Direction
    episode: int
    spent: Decimal
    reason: str | None = None
    kind: str = ACTUAL

    @property
    def id(self) -> str:
        """The same after any replay."""
        return self._identity(self.direction)

    @property
    def crossing_id(self) -> str:
        """The id of the crossing of this episode: pairs a clearing with what it clears."""
        return self._identity("crossed")

    def _identity(self, direction: Direction) -> str:
        budget = self.budget
        threshold = quantity_to_text(self.threshold)
        return event_id(
            THRESHOLD_CROSSED, budget.id, budget.version, budget.scope, self.period.start, budget.basis,
            self.kind, threshold, direction, self.episode,
        )  # fmt: skip


def crossing_amount(budget: Budget, threshold: Decimal) -> Decimal:
    """Return the amount at which a threshold is crossed."""
    return multiply(threshold, budget.limit)


def clearing_amount(budget: Budget, threshold: Decimal) -> Decimal:
    """Return the amount below which a crossed threshold is cleared."""
    hysteresis = min(HYSTERESIS, multiply(threshold, _SMALL_HYSTERESIS))
    return multiply(add(threshold, -hysteresis), budget.limit)


def evaluate(budget: Budget, period: Period, state: State, spent: Decimal) -> tuple[State, list[ThresholdCrossed]]:
    """Return the new state and what happened: crossings ascending, then clearings descending."""
    episodes = {episode.threshold: episode for episode in state}
    crossed: list[ThresholdCrossed] = []
    cleared: list[ThresholdCrossed] = []
    for threshold in budget.thresholds:
        episode = episodes.get(threshold, Episode(threshold, 0, open=False))
        if not episode.open and spent >= crossing_amount(budget, threshold):
            opened = episodes[threshold] = Episode(threshold, episode.number + 1, open=True)
            crossed.append(ThresholdCrossed(budget, period, threshold, "crossed", opened.number, spent))
        elif episode.open and spent < clearing_amount(budget, threshold):
            episodes[threshold] = Episode(threshold, episode.number, open=False)
            cleared.append(ThresholdCrossed(budget, period, threshold, "cleared", episode.number, spent, "corrected"))
    if not crossed and not cleared:
        return state, []
    return tuple(episodes[threshold] for threshold in sorted(episodes)), crossed + cleared[::-1]


def withdraw(
    budget: Budget, period: Period, state: State, spent: Decimal, reason: str, kind: str = ACTUAL
) -> list[ThresholdCrossed]:
    """Clear what is crossed because this version of the budget ends; descending."""
    return [
        ThresholdCrossed(budget, period, episode.threshold, "cleared", episode.number, spent, reason, kind)
        for episode in reversed(state)
        if episode.open
    ]


def crossed_thresholds(state: State) -> tuple[Decimal, ...]:
    """Return the thresholds that are crossed now, ascending."""
    return tuple(episode.threshold for episode in state if episode.open)
