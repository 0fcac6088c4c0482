"""An hour that comes again: what was late may end an alarm, or begin one, and never doubles one.

Only hours that the scope still remembers (two days) are judged again, by what was expected at the time.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import msgspec

from domain.anomaly.bounds import to_float
from domain.anomaly.decomposition import decompose
from domain.anomaly.hours import observe
from domain.anomaly.keeping import CORRECTED
from domain.anomaly.spend import PERCENT, SIGMA, WARM, Judgement, limit_of
from domain.anomaly.state import RECENT
from domain.anomaly.stories import Finding, tell
from domain.money import add, add_up
from domain.windows import DAY, HOUR

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from domain.anomaly.detection import Hourly
    from domain.anomaly.episodes import Episode
    from domain.anomaly.hours import HourLine, Observed, ScopeKey
    from domain.anomaly.state import SpendState

_MOST: Final = 0.5


def judge_again(hourly: Hourly, hour: int, lines: Iterable[HourLine], minimum: float) -> None:
    """Judge an hour by all that is known of it now; changes go where `hourly` collects them."""
    moved: dict[ScopeKey, float] = {}
    judged = dict(_changed(hourly, hour, observe(lines), moved))
    _correct(hourly, hour, judged, moved)
    findings = [
        Finding(key, "spike" if found.difference > 0 else "drop", found, parts)
        for key, (found, parts) in judged.items()
        if abs(found.z) > max(found.limit, SIGMA)
        and abs(found.difference) > PERCENT * abs(found.expected)
        and abs(found.difference) * 24 >= minimum
    ]
    for story in tell(hourly.keeper.news(hour, findings)):
        hourly.keeper.open(hour, story, judged, hourly.state)


def _changed(
    hourly: Hourly, hour: int, seen: dict[ScopeKey, Observed], moved: dict[ScopeKey, float]
) -> Iterator[tuple[ScopeKey, tuple[Judgement, Observed]]]:
    for key, parts in seen.items():
        state = hourly.state(key)
        if state is None or not 0 <= state.hour - hour < RECENT * HOUR:
            continue
        actual, expected, deviation = state.at(hour)
        now = to_float(add_up(part.amount for part in parts.values()))
        if math.isnan(actual) or math.isclose(now, actual, rel_tol=1e-6):
            continue
        if hour // DAY == (state.hour + HOUR) // DAY:
            state.today += now - actual
        state.remember(hour, now, expected, deviation)
        hourly.states[key] = state
        moved[key] = now - actual
        z = (now - expected) / deviation if deviation else 0.0
        limit = _limit(state, hour, now - actual if now > expected else actual - now)
        yield key, (Judgement(now, expected, deviation, z, limit, odd=False), parts)


def _limit(state: SpendState, hour: int, worse: float) -> float:
    """Return how odd an hour has to be now to be told; one that could not be judged, or came nearer, never is."""
    known = state.hours - 1 - (state.hour - hour) // HOUR
    return limit_of(state) if known >= WARM and worse > 0 else math.inf


def _correct(
    hourly: Hourly, hour: int, judged: dict[ScopeKey, tuple[Judgement, Observed]], moved: dict[ScopeKey, float]
) -> None:
    for episode in list(hourly.keeper.all()):
        first = episode.first - episode.first % HOUR
        if episode.closed or episode.key not in judged or not first <= hour <= episode.last:
            continue
        found, parts = judged[episode.key]
        ordinary = _is_ordinary(found, above=episode.above)
        if ordinary and (episode.hours == 1 or (not episode.hours and _makes_good(episode, moved[episode.key]))):
            hourly.keeper.close(episode, max(hour, episode.last), CORRECTED)
        elif hour == episode.figures.hour and episode.figures.width == HOUR:
            hourly.keeper.put(_with_actual(episode, hourly, parts))


def _makes_good(episode: Episode, moved: float) -> bool:
    """Tell whether what was late is most of what five minutes were odd by: their hour was ordinary anyway."""
    at_stake = to_float(episode.at_stake)
    return moved * at_stake < 0 and abs(moved) >= _MOST * abs(at_stake)


def _is_ordinary(found: Judgement, *, above: bool) -> bool:
    away = found.difference if above else -found.difference
    return away <= PERCENT * abs(found.expected) or abs(found.z) <= SIGMA


def _with_actual(episode: Episode, hourly: Hourly, parts: Observed) -> Episode:
    figures = episode.figures
    actual = add_up(part.amount for part in parts.values())
    state = hourly.state(episode.key)
    terms = decompose(parts, figures.expected, state.prices if state else {})
    changed = msgspec.structs.replace(figures, actual=actual, terms=tuple(terms))
    so_far = add(episode.so_far, add(actual, -figures.actual))
    return msgspec.structs.replace(episode, figures=changed, so_far=so_far)
