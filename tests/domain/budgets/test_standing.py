from __future__ import annotations

from datetime import datetime

from domain.budgets import Budget, Standing, begin, define, move, roll_over
from domain.scope import ScopeFilter


def at(text: str) -> int:
    return int(datetime.fromisoformat(f"{text}+00:00").timestamp())


NOW = at("2026-11-23T12:00:00")
OCTOBER, NOVEMBER, DECEMBER, JANUARY = (at(f"{month}-01") for month in ("2026-10", "2026-11", "2026-12", "2027-01"))


def budget() -> Budget:
    found = define(ScopeFilter(), {"limit": "100"}, "USD")
    assert isinstance(found, Budget)
    return found


def spend_in(standing: Standing, start: int, now: int = NOW) -> Standing:
    return move(standing, budget().period_at(start), now)


def test_a_new_budget_stands_in_the_period_of_now() -> None:
    assert begin(budget(), NOW) == Standing(NOVEMBER, DECEMBER, earned=False)


def test_a_replay_of_history_is_followed_from_period_to_period() -> None:
    october = spend_in(begin(budget(), NOW), OCTOBER)
    assert october == Standing(OCTOBER, None, earned=True)
    assert spend_in(october, NOVEMBER) == Standing(NOVEMBER, DECEMBER, earned=True)


def test_late_spend_of_an_older_period_does_not_bring_it_back() -> None:
    november = spend_in(begin(budget(), NOW), NOVEMBER)
    assert spend_in(november, OCTOBER) == november


def test_an_event_from_a_clock_that_is_ahead_does_not_hide_the_present() -> None:
    ahead = spend_in(begin(budget(), NOW), JANUARY)
    assert ahead.start == JANUARY
    assert spend_in(ahead, NOVEMBER).start == NOVEMBER
    november = spend_in(begin(budget(), NOW), NOVEMBER)
    assert spend_in(november, JANUARY) == november


def test_rollover_comes_with_the_clock_though_no_event_comes() -> None:
    november = spend_in(begin(budget(), NOW), NOVEMBER)
    assert roll_over(november, budget(), DECEMBER - 1) == november
    assert roll_over(november, budget(), DECEMBER) == Standing(DECEMBER, JANUARY, earned=True)


def test_history_is_not_rolled_over_by_the_clock() -> None:
    october = spend_in(begin(budget(), NOW), OCTOBER)
    assert roll_over(october, budget(), JANUARY) == october


def test_late_spend_after_the_rollover_does_not_bring_the_old_period_back() -> None:
    rolled = roll_over(spend_in(begin(budget(), NOW), NOVEMBER), budget(), DECEMBER)
    assert spend_in(rolled, NOVEMBER, DECEMBER + 5) == rolled
