from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.budgets import NEW, Budget, Episode, State, ThresholdCrossed, define, evaluate, withdraw
from domain.budgets.thresholds import clearing_amount, crossing_amount
from domain.scope import parse_filter

NOVEMBER = 1793664000
AMOUNTS = st.decimals(Decimal(-20), Decimal(220), places=4)


def budget(**body: Any) -> Budget:
    found = define(parse_filter("tenant=acme"), {"limit": "100", **body}, "USD")
    assert isinstance(found, Budget)
    return found


def play(spents: list[Any], of: Budget | None = None) -> tuple[State, list[ThresholdCrossed]]:
    of = of or budget()
    state, told = NEW, []
    for spent in spents:
        state, events = evaluate(of, of.period_at(NOVEMBER), state, Decimal(spent))
        told += events
    return state, told


def words(events: list[ThresholdCrossed]) -> list[str]:
    return [f"{event.direction} {event.threshold} #{event.episode}" for event in events]


def test_a_jump_from_0_to_100_percent_tells_every_threshold_in_ascending_order() -> None:
    assert words(play([0, 100])[1]) == ["crossed 0.7 #1", "crossed 0.85 #1", "crossed 1 #1"]


@pytest.mark.parametrize(
    ("spent", "crossed"),
    [("69.999999999999999999", 0), ("70", 1), ("85.00", 2), ("99.999999999999999", 2), ("100", 3)],
)
def test_exactly_at_a_threshold_is_crossed(spent: str, crossed: int) -> None:
    assert len(play([spent])[1]) == crossed


def test_crossing_is_told_once_and_not_with_every_event_after_it() -> None:
    assert words(play([75, 75, 76, 80, 84.5])[1]) == ["crossed 0.7 #1"]


def test_falling_a_little_and_rising_again_tells_nothing() -> None:
    assert words(play([70, "69.5", "69", 70])[1]) == ["crossed 0.7 #1"]


def test_falling_below_the_hysteresis_clears_and_rising_again_is_a_new_episode() -> None:
    told = play([100, "68.99", 70])[1]
    assert words(told[3:]) == ["cleared 1 #1", "cleared 0.85 #1", "cleared 0.7 #1", "crossed 0.7 #2"]


def test_falling_to_75_percent_does_not_tell_70_again() -> None:
    assert words(play([100, 75])[1][3:]) == ["cleared 1 #1", "cleared 0.85 #1"]


def test_a_tiny_threshold_can_be_cleared_too() -> None:
    tiny = budget(thresholds=[0.005])
    assert words(play(["0.5", "0.44"], tiny)[1]) == ["crossed 0.005 #1", "cleared 0.005 #1"]


def test_what_was_not_told_is_never_resolved() -> None:
    assert play([50, 0, -10])[1] == []


@given(st.lists(AMOUNTS, max_size=30))
def test_crossings_and_clearings_alternate_and_are_paired_by_episode(spents: list[Decimal]) -> None:
    state, told = play(spents)
    for threshold in budget().thresholds:
        own = [event for event in told if event.threshold == threshold]
        assert [event.direction for event in own] == [("crossed", "cleared")[n % 2] for n in range(len(own))]
        assert [event.episode for event in own] == [n // 2 + 1 for n in range(len(own))]
        for crossed, cleared in zip(own[::2], own[1::2], strict=False):
            assert cleared.crossing_id == crossed.id != cleared.id
            assert cleared.reason == "corrected"
        is_open = any(episode.open for episode in state if episode.threshold == threshold)
        assert is_open is bool(len(own) % 2)


@given(st.lists(AMOUNTS, min_size=1, max_size=30))
def test_ids_are_unique_and_the_same_history_gives_the_same_ids(spents: list[Decimal]) -> None:
    ids = [event.id for event in play(spents)[1]]
    assert len(set(ids)) == len(ids)
    assert [event.id for event in play(spents)[1]] == ids


@given(st.lists(AMOUNTS, min_size=1, max_size=20), st.data())
def test_repeating_an_amount_changes_nothing(spents: list[Decimal], data: st.DataObject) -> None:
    repeated = [spent for spent in spents for _ in range(data.draw(st.integers(1, 3)))]
    assert play(repeated) == play(spents)


@given(st.lists(AMOUNTS, min_size=1, max_size=20))
def test_the_state_is_what_the_amounts_say(spents: list[Decimal]) -> None:
    for episode in play(spents)[0]:
        if spents[-1] >= crossing_amount(budget(), episode.threshold):
            assert episode.open
        elif spents[-1] < clearing_amount(budget(), episode.threshold):
            assert not episode.open


def test_ids_differ_by_everything_that_makes_a_transition() -> None:
    base = budget()
    events = play([100], base)[1]
    month_later = base.period_at(NOVEMBER + 40 * 86400)
    others = [
        *play([100], budget(basis="billed"))[1],
        *evaluate(base, month_later, NEW, Decimal(100))[1],
        *(event._replace(budget=replace(base, version=2)) for event in events),
        *(event._replace(episode=2) for event in events),
        *(event._replace(direction="cleared") for event in events),
    ]
    ids = [event.id for event in [*events, *others]]
    assert len(set(ids)) == len(ids) == 18


def test_ids_do_not_depend_on_amounts() -> None:
    assert [event.id for event in play([100])[1]] == [event.id for event in play([70, 90, 150])[1]]


def test_a_version_that_ends_clears_what_it_had_crossed_and_nothing_else() -> None:
    of = budget()
    state, _ = play([90], of)
    told = withdraw(of, of.period_at(NOVEMBER), state, Decimal(90), "redefined")
    assert words(told) == ["cleared 0.85 #1", "cleared 0.7 #1"]
    assert {event.reason for event in told} == {"redefined"}
    assert withdraw(of, of.period_at(NOVEMBER), (Episode(Decimal(1), 1, open=False),), Decimal(9), "x") == []
