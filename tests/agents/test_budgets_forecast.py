"""A month that will not last is told of while it can still be helped."""

from __future__ import annotations

from typing import Any

import pytest

from tests.agents.test_budgets import DECEMBER, NOVEMBER, House

DAY = 86400
HISTORY = 28


@pytest.fixture
def house() -> House:
    return House()


def a_month(house: House, *, days: int, daily: float, before: float = 10.0, **body: Any) -> None:
    """Four weeks at `before` a day, then `days` of November at `daily`."""
    house.set(**{"limit": "300", "flags": [], **body})
    records = [
        house.spend_record(before, start=NOVEMBER - back * DAY, at=NOVEMBER - back * DAY + DAY - 60, step=True)
        for back in range(HISTORY, 0, -1)
    ]
    for day in range(days):
        start = NOVEMBER + day * DAY
        records.append(house.spend_record(daily, start=start, at=start + DAY - 60, step=True))
        records.append(house.spend_record(daily * (day + 1), at=start + DAY - 60))
    house.handle(*records)


def kinds(house: House) -> list[str]:
    return [f"{each['kind']} {each['direction']} {each['threshold']}" for each in (e["data"] for e in house.events())]


def test_a_limit_that_will_be_passed_is_told_before_it_is_with_the_day(house: House) -> None:
    a_month(house, days=10, daily=15)
    assert kinds(house) == ["forecast crossed 1"]
    (event,) = house.events()
    data = event["data"]
    assert (data["spent"], data["flags"]) < ("150.00", [{}])
    assert data["forecast_band"]["lower"] >= "300.00"
    assert "2026-11-10" < data["breach_at"] < "2026-12-01"


def test_spend_that_stays_within_the_limit_is_no_news(house: House) -> None:
    a_month(house, days=20, daily=9)
    assert kinds(house) == []
    status = house.status()
    assert status["foreseen"] == []
    assert status["forecast_band"]["lower"] < status["forecast"] < status["forecast_band"]["upper"] < "300.00"


def test_what_is_reached_is_taken_back_once_and_the_crossing_is_told(house: House) -> None:
    a_month(house, days=21, daily=15)
    assert kinds(house) == [
        "forecast crossed 1", "actual crossed 0.7", "actual crossed 0.85", "actual crossed 1", "forecast cleared 1",
    ]  # fmt: skip
    assert house.events()[-1]["data"]["reason"] == "reached"


def test_a_forecast_that_recedes_is_taken_back(house: House) -> None:
    a_month(house, days=8, daily=18)
    records = []
    for day in range(8, 22):
        start = NOVEMBER + day * DAY
        records.append(house.spend_record(1, start=start, at=start + DAY - 60, step=True))
        records.append(house.spend_record(144 + day - 7, at=start + DAY - 60))
    house.handle(*records)
    assert kinds(house)[:2] == ["forecast crossed 1", "forecast cleared 1"]
    assert house.events()[1]["data"]["reason"] == "receded"


def test_a_forecast_never_trips_a_rule_for_what_is_spent(house: House) -> None:
    rules = [
        {"key": "tier", "at": 1.0, "variant": "blocked"},
        {"key": "tier", "at": 1, "variant": "slow", "on": "forecast"},
    ]
    a_month(house, days=10, daily=15, flags=rules)
    (event,) = house.events()
    assert event["data"]["flags"] == [{"key": "tier", "variant": "slow"}]
    status = house.status()
    assert (status["crossed"], status["foreseen"]) == ([], ["1"])


def test_a_week_of_history_is_needed(house: House) -> None:
    house.set(limit="300", flags=[])
    for day in range(6):
        start = NOVEMBER + day * DAY
        house.spend(30, start=start, at=start + DAY - 60, step=True)
        house.spend(30 * (day + 1), at=start + DAY - 60)
    assert kinds(house) == []


def test_a_forecast_can_be_turned_off(house: House) -> None:
    a_month(house, days=10, daily=15, forecast={"at": []})
    assert kinds(house) == []


def test_another_definition_ends_what_the_old_one_foresaw(house: House) -> None:
    a_month(house, days=10, daily=15)
    house.set(limit="3000", flags=[])
    assert kinds(house) == ["forecast crossed 1", "forecast cleared 1"]
    assert house.events()[1]["data"]["reason"] == "redefined"


def test_a_replay_tells_nothing_new(house: House) -> None:
    a_month(house, days=12, daily=15)
    before = house.ids()
    house.handle(*house.log)
    assert house.ids() == before


def test_a_period_that_is_over_is_not_looked_ahead(house: House) -> None:
    a_month(house, days=0, daily=0)
    house.spend(299, at=DECEMBER - 60)
    assert "forecast crossed 1" not in kinds(house)


def test_it_is_looked_ahead_once_an_hour_though_there_is_nothing_to_be_seen_yet(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    monkeypatch.setattr("domain.budgets.foresee", lambda *arguments: looks.append(arguments[3]))
    house.set(limit="300", flags=[])
    for minute in (10, 20, 59, 61, 119, 120):
        house.spend(minute, at=NOVEMBER + minute * 60)
    assert looks == [NOVEMBER + minute * 60 for minute in (10, 61, 120)]


def test_no_forecast_is_below_what_is_spent_since_it_was_made(house: House) -> None:
    a_month(house, days=20, daily=9)
    before = house.status()["forecast_band"]
    house.spend("299.995", at=NOVEMBER + 20 * DAY - 1)
    status = house.status()
    assert before["upper"] < "299.99"
    assert status["forecast"] == status["spent"] == "299.995"
    assert status["forecast_band"] == {"lower": "299.995", "upper": "299.995"}


def test_what_is_not_known_of_the_future_is_null(house: House) -> None:
    house.set(limit="300", flags=[])
    status = house.status()
    assert (status["forecast"], status["forecast_band"], status["breach_at"]) == (None, None, None)
