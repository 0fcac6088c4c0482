"""Which scopes are fast: the dearest of those that have events all the time, as many as are allowed.

Chosen once a day of event time, from what the hours have taught, so a replay chooses the same. A scope that was fast
before is kept before one that is as dear; one whose five minutes turn out to say too little is left out for a week.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from domain.anomaly.spend import WARM
from domain.windows import DAY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from domain.anomaly.fast_state import FastState
    from domain.anomaly.hours import ScopeKey
    from domain.anomaly.state import SpendState

# Scopes whose cost is somebody's: a tenant's of a feature. In all others somebody else's hides, or is taken for theirs.
_NARROW: Final = frozenset({"tenant+feature", "full"})
_WIDE_EVENTS: Final = 120
_NEVER_EMPTY: Final = 0.02  # share of hours without any cost
_KEPT: Final = 1.25
_LEFT_OUT: Final = 7 * DAY


class Candidate(NamedTuple):
    """A scope that has events all the time, and what it spends a day."""

    key: ScopeKey
    a_day: float


class Choice(msgspec.Struct, frozen=True, array_like=True):
    """The fast scopes and drivers, and until when others are left out (epoch seconds)."""

    version: int = 0
    keys: tuple[tuple[str, tuple[str, ...], str], ...] = ()
    resting: tuple[tuple[tuple[str, tuple[str, ...], str], int], ...] = ()


encode_choice = msgspec.msgpack.Encoder().encode
decode_choice = msgspec.msgpack.Decoder(Choice).decode


def candidate(key: ScopeKey, state: SpendState, least_events: int, minimum: float) -> Candidate | None:
    """Return a scope as a candidate; None when it is too new, too cheap, or has too few events an hour.

    Wide scopes need many: else one would tell, before its hour is over, what the narrow one tells at its end.
    """
    if state.hours < WARM or state.zeros > _NEVER_EMPTY:
        return None
    a_day = 24 * state.slow
    events = sum(usual[2] for usual in state.prices.values())
    least = least_events if key[0] in _NARROW else max(least_events, _WIDE_EVENTS)
    return Candidate(key, a_day) if events >= least and a_day >= max(minimum, 1e-9) else None


def choose(
    before: Choice,
    candidates: Iterable[Candidate],
    states: Mapping[ScopeKey, FastState],
    most: int,
    now: int,
    is_steady: Callable[[FastState], bool],
) -> Choice:
    """Return the fast scopes of the next day; `states` are the models of those before."""
    resting = {key: until for key, until in before.resting if until > now}
    resting |= {key: now + _LEFT_OUT for key in before.keys if key in states and not is_steady(states[key])}
    known = set(before.keys)
    ranked = sorted(
        (-each.a_day * (_KEPT if each.key in known else 1.0), each.key)
        for each in candidates
        if each.key not in resting
    )
    # As many are remembered as are chosen: the state is bounded.
    left_out = sorted(resting.items(), key=lambda each: (-each[1], each[0]))[: 4 * most]
    return Choice(before.version, tuple(sorted(key for _, key in ranked[:most])), tuple(sorted(left_out)))
