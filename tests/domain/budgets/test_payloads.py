from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.budgets import (
    NEW,
    Budget,
    Episode,
    ThresholdCrossed,
    control_data,
    crossed_data,
    define,
    status_data,
)
from domain.budgets.pace import burn_rate, forecast
from domain.scope import parse_filter
from domain.windows import DAY

NOVEMBER = 1793491200
MIDDLE = NOVEMBER + 15 * DAY - 60


def budget(**body: Any) -> Budget:
    found = define(
        parse_filter("tenant=acme,feature=ai-search"),
        {
            "limit": "80.00",
            "flags": [
                {"key": "ai-search-tier", "at": 0.85, "variant": "throttled"},
                {"key": "other", "at": 1, "variant": "off"},
            ],
            **body,
        },
        "USD",
    )
    assert isinstance(found, Budget)
    return found


def transition(spent: str, **changes: Any) -> ThresholdCrossed:
    of = budget()
    event = ThresholdCrossed(of, of.period_at(NOVEMBER), Decimal("0.85"), "crossed", 1, Decimal(spent))
    return event._replace(**changes)


def test_a_crossing_carries_limit_spent_ratio_remaining_burn_rate_and_period() -> None:
    assert crossed_data(transition("68.40"), MIDDLE) == {
        "budget_id": budget().id,
        "budget_version": 1,
        "scope": {"tenant": "acme", "feature": "ai-search"},
        "name": None,
        "kind": "actual",
        "direction": "crossed",
        "threshold": "0.85",
        "episode": 1,
        "spent": "68.40",
        "limit": "80.00",
        "currency": "USD",
        "ratio": "0.855",
        "remaining": "11.60",
        "basis": "best",
        "burn_rate": "1.71",
        "period": {
            "name": "month",
            "start": "2026-11-01T00:00:00Z",
            "end": "2026-12-01T00:00:00Z",
            "timezone": "UTC",
        },
        "flags": [{"key": "ai-search-tier", "variant": "throttled"}],
    }


def test_a_clearing_names_the_crossing_that_it_ends() -> None:
    crossed = transition("68.40")
    data = crossed_data(transition("10", direction="cleared", reason="corrected"), MIDDLE)
    assert (data["direction"], data["reason"], data["clears"]) == ("cleared", "corrected", crossed.id)


def test_thresholds_are_texts_that_compare_as_decimals() -> None:
    assert crossed_data(transition("80", threshold=Decimal("1.0")), MIDDLE)["threshold"] == "1"


def test_overspent_is_negative_remaining() -> None:
    data = crossed_data(transition("100.005"), MIDDLE)
    assert (data["remaining"], data["ratio"], data["spent"]) == ("-20.005", "1.250062", "100.005")


def test_a_ratio_never_reads_as_a_threshold_that_is_not_reached() -> None:
    assert crossed_data(transition("79.99999999"), MIDDLE)["ratio"] == "0.999999"


def test_a_status_tells_the_state_of_a_period() -> None:
    of = budget()
    state = (Episode(Decimal("0.7"), 2, open=True), Episode(Decimal("0.85"), 1, open=False))
    data = status_data(of, of.period_at(NOVEMBER), spent=Decimal(60), state=state, at=MIDDLE)
    assert (data["state"], data["crossed"], data["thresholds"]) == ("crossed", ["0.7"], ["0.7", "0.85", "1"])
    assert data["flags"][0] == {"key": "ai-search-tier", "at": "0.85", "variant": "throttled", "on": "actual"}
    assert (data["forecast"], data["burn_rate"], data["updated"]) == ("120.00", "1.5", "2026-11-15T23:59:00Z")


def test_a_status_before_any_spend_has_no_pace() -> None:
    of = budget(name="Search")
    data = status_data(of, of.period_at(NOVEMBER), spent=Decimal(0), state=NEW, at=None)
    assert (data["spent"], data["ratio"], data["remaining"], data["state"]) == ("0.00", "0", "80.00", "ok")
    assert (data["forecast"], data["burn_rate"], data["updated"], data["name"]) == (
        None,
        None,
        None,
        "Search",
    )


def test_the_control_record_says_what_to_sum() -> None:
    assert control_data(budget(period="week", week_start="sunday", basis="metered"), deleted=False) == {
        "control": "budget",
        "budget_id": budget().id,
        "version": 1,
        "scope": [["tenant", "acme"], ["feature", "ai-search"]],
        "period": "week",
        "timezone": "UTC",
        "week_start": 6,
        "basis": "metered",
        "deleted": False,
    }


def test_a_forecast_waits_for_a_tenth_of_the_period() -> None:
    period = budget().period_at(NOVEMBER)
    assert forecast(Decimal(5), period, NOVEMBER + 3 * DAY - 61) is None
    assert forecast(Decimal(5), period, NOVEMBER + 3 * DAY - 60) == 50


@given(st.decimals(0, 10**12, places=6), st.integers(0, 30 * DAY))
def test_a_burn_rate_above_1_exhausts_the_budget_before_the_end(spent: Decimal, elapsed: int) -> None:
    period = budget().period_at(NOVEMBER)
    rate = burn_rate(spent, Decimal(80), period, NOVEMBER + elapsed)
    even = Decimal(80) * min(max(elapsed + 60, 60), 30 * DAY) / (30 * DAY)
    assert (rate >= 1) is (spent >= even)
