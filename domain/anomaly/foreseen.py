"""What five minutes should cost by the hour's model: drawn as a line between the middles of hours."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from domain.anomaly import spend
from domain.anomaly.fast_state import AN_HOUR
from domain.windows import HOUR

if TYPE_CHECKING:
    from collections.abc import Mapping

    from domain.anomaly.state import SpendState


class Expected(NamedTuple):
    """What the hour's model says of five minutes: `level` is that of a mean window, `events` those of a usual hour.

    `slope` is how far the line between hours is from the hour's own mean: a rhythm may as well have steps there.
    `cold` makes a young scope harder to impress; `prices` are those of a usual hour, by resource type. `season` is what
    is usual at this time of the week, over `amount`.
    """

    amount: float
    slope: float
    level: float
    events: float
    cold: float
    prices: Mapping[str, list[float]]
    season: float = 1.0


def foresee(state: SpendState, hour: int, rests: tuple[bool, bool, bool]) -> list[Expected]:
    """Return what the twelve windows of an hour should cost; `rests` tell whether the hours around and it are of rest.

    Empty before anything is known of such an hour.
    """
    around = [
        spend.expect(state, hour + shift * HOUR, rest=rest) for shift, rest in zip((-1, 0, 1), rests, strict=True)
    ]
    before, here, after = around
    usual = spend.season(state, hour, rest=rests[1])
    season = usual / here if usual is not None and here else 1.0
    if here is None or state.hours < spend.WARM:
        return []
    level = max(state.slow, 0.0) / AN_HOUR
    events = sum(usual[2] for usual in state.prices.values())
    usual_amount = sum(usual[1] for usual in state.prices.values())
    cold = spend.coldness(state) * state.tolerance
    found = []
    for at in range(AN_HOUR):
        place = (at + 0.5) / AN_HOUR - 0.5
        other = (before if place < 0 else after) if place else here
        drawn = here + ((other if other is not None else here) - here) * abs(place)
        amount = max(drawn, 0.0) / AN_HOUR
        per_window = events * amount / usual_amount if usual_amount > 0 else 0.0
        slope = abs(drawn - here) / AN_HOUR
        found.append(Expected(amount, slope, level, per_window, cold, state.prices, season))
    return found
