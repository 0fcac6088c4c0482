"""The models of a scope's hourly spend, without Kafka: what is silent, what is found, what fits into a row."""

from __future__ import annotations

import math
import random
from decimal import Decimal
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.anomaly import leak, spend
from domain.anomaly.calendar import AnomalySettings, weekday
from domain.anomaly.closing import Closing
from domain.anomaly.decomposition import decompose
from domain.anomaly.hours import HourLine, Part
from domain.anomaly.state import SpendState, decode_state, encode_state
from domain.windows import DAY, HOUR

if TYPE_CHECKING:
    from collections.abc import Callable

START = 1_788_134_400  # 2026-08-31, a Monday
MAX_STATE = 4096


def usual(hour: int, rng: random.Random) -> float:
    rest = 0.4 if weekday(START + hour * HOUR) >= 5 else 1.0
    return 50 * rest * (1 + 0.6 * math.sin(hour / 12 * math.pi)) * rng.uniform(0.93, 1.07)


def run(days: int, shape: Callable[[int, float], float] = lambda _, value: value) -> tuple[SpendState, list[int]]:
    rng = random.Random(5)  # noqa: S311 - a series, not a secret
    state, odd = spend.begin(0, START, 50.0, None), []
    for hour in range(days * 24):
        at = START + hour * HOUR
        judged = spend.judge(state, at, shape(hour, usual(hour, rng)), rest=weekday(at) >= 5, minimum=1.0)
        spend.learn(state, at, judged, rest=weekday(at) >= 5)
        if judged.odd:
            odd.append(hour)
    return state, odd


def test_the_first_weekends_are_no_alarm() -> None:
    assert run(30)[1] == []


def test_what_is_odd_is_not_learnt_within_a_day() -> None:
    _, odd = run(22, lambda hour, value: value * 3 if hour >= 20 * 24 else value)
    assert odd[:30] == list(range(20 * 24, 20 * 24 + 30))


def test_a_leak_of_two_percent_a_day_is_found_within_three_weeks() -> None:
    state, _ = run(41, lambda hour, value: value * 1.02 ** max(0.0, hour / 24 - 20))
    state.told = 0
    found = leak.find(state, 1.0)
    assert found is not None
    assert found.now > 1.2 * found.before
    steady, _ = run(41)
    assert leak.find(steady, 1.0) is None


def test_a_state_is_one_small_row() -> None:
    state, _ = run(30)
    state.prices = {f"third_party.meter_{n}": [1e6, 1e6, 1e6] for n in range(16)}
    row = encode_state(state)
    assert len(row) <= MAX_STATE
    assert encode_state(decode_state(row)) == row


@settings(max_examples=100)
@given(st.lists(st.floats(-1e9, 1e9) | st.just(0.0), min_size=30, max_size=120))
def test_any_spend_can_be_judged_and_learnt(values: list[float]) -> None:
    state = spend.begin(0, START, values[0], None)
    for hour, value in enumerate(values):
        at = START + hour * HOUR
        judged = spend.judge(state, at, value, rest=False, minimum=1.0)
        spend.learn(state, at, judged, rest=False)
        assert math.isfinite(judged.expected)
        assert math.isfinite(state.slow)
    assert len(encode_state(state)) <= MAX_STATE


amounts = st.decimals(-1000, 1000, places=6)


@given(
    st.dictionaries(st.sampled_from(["compute.a", "compute.b", "compute.c"]), st.tuples(amounts, amounts)),
    st.decimals(0, 1000, places=6),
    st.dictionaries(st.sampled_from(["compute.a", "compute.b"]), st.lists(st.floats(0, 1000), min_size=3, max_size=3)),
)
def test_the_terms_sum_to_the_difference_to_the_last_digit(
    spent: dict[str, tuple[Decimal, Decimal]], expected: Decimal, prices: dict[str, list[float]]
) -> None:
    parts = {}
    for name, (units, amount) in spent.items():
        parts[name] = Part()
        parts[name].add(HourLine(("t", "e", "f", "s", "x"), name, 3, units, amount))
    terms = decompose(parts, expected, prices)
    assert terms.difference == sum((amount for _, amount in spent.values()), Decimal(0)) - expected


def test_what_changes_after_it_was_closed_is_sent_again() -> None:
    closing = Closing(closed=START + 5 * HOUR)
    assert closing.touch({START + 2 * HOUR}).dirty == (START + 2 * HOUR,)
    assert closing.touch({START + 5 * HOUR}) is closing


def test_a_holiday_has_the_rhythm_of_a_weekend() -> None:
    day = START - START % DAY
    assert AnomalySettings(holidays=frozenset({day})).is_rest_day(day + 5 * HOUR)
    assert not AnomalySettings().is_rest_day(day + 5 * HOUR)
