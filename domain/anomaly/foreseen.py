"""What five minutes should cost by the hour's model: drawn as a line between the middles of hours."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from domain.anomaly import spend
from domain.anomaly.fast_state import AN_HOUR
from domain.windows import HOUR

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from domain.anomaly.state import SpendState


class Expected(NamedTuple):
    """What the hour's model says of five minutes: `level` is that of a mean window, `events` those of a usual hour.

    `slope` is how far the line between hours is from the hour's own mean: a rhythm may as well have steps there.
    `cold` makes a young scope harder to impress; `prices` are those of a usual hour, by resource type. What is
    usual at this time of the week lies between `low` and `high`.
    """

    amount: float
    slope: float
    level: float
    events: float
    cold: float
    prices: Mapping[str, list[float]]
    low: float = 0.0
    high: float = 0.0


def foresee(state: SpendState, hour: int, rests: tuple[bool, bool, bool]) -> list[Expected]:
    """Return what the twelve windows of an hour should cost; `rests` tell whether the hours around and it are of rest.

    Empty before anything is known of such an hour.
    """
    hours = [(hour + shift * HOUR, rest) for shift, rest in zip((-1, 0, 1), rests, strict=True)]
    around = [spend.expect(state, at, rest=rest) for at, rest in hours]
    seasons = [spend.season(state, at, rest=rest) for at, rest in hours]
    here, season = around[1], seasons[1]
    if here is None or season is None or state.hours < spend.WARM:
        return []
    level = max(state.slow, 0.0) / AN_HOUR
    events = sum(usual[2] for usual in state.prices.values())
    usual_amount = sum(usual[1] for usual in state.prices.values())
    cold = spend.coldness(state) * state.tolerance
    found = []
    for at in range(AN_HOUR):
        drawn, usual_drawn = _drawn(around, here, at), _drawn(seasons, season, at)
        amount = max(drawn, 0.0) / AN_HOUR
        per_window = events * amount / usual_amount if usual_amount > 0 else 0.0
        found.append(
            Expected(
                amount, abs(drawn - here) / AN_HOUR, level, per_window, cold, state.prices,
                min(season, usual_drawn) / AN_HOUR, max(season, usual_drawn) / AN_HOUR,
            )
        )  # fmt: skip
    return found


def _drawn(around: Sequence[float | None], here: float, at: int) -> float:
    """Return an hour's worth of a twelfth of it, on the line to the hour beside it."""
    place = (at + 0.5) / AN_HOUR - 0.5
    other = around[0] if place < 0 else around[2]
    return here + ((other if other is not None else here) - here) * abs(place)
