"""The same history under other rules: told as it would have been."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from domain.anomaly.calendar import AnomalySettings
from domain.anomaly.hours import HourLine
from domain.backtest import ANOMALY, BUDGET, Backtest, Fired, anomaly_fired, budget_fired, compare
from domain.budgets import Budget, define
from domain.scope import parse_filter
from domain.windows import DAY, HOUR

NOVEMBER = 1_793_491_200
SCOPE = ("acme", "production", "search", "ranker", "search")
QUIET = AnomalySettings(enabled=False)


def budget(**body: Any) -> Budget:
    found = define(parse_filter("tenant=acme"), {"limit": "240", "forecast": {"at": []}, **body}, "USD")
    assert isinstance(found, Budget)
    return found


def line(amount: str, tenant: str = "acme") -> HourLine:
    return HourLine((tenant, *SCOPE[1:]), "compute.requests", 10, Decimal(100), Decimal(amount))


def played(run: Backtest, start: int, hours: int, amount: str = "1") -> Backtest:
    for hour in range(hours):
        run.hour(start + hour * HOUR, [line(amount), line("50", "globex")])
    return run


def told(run: Backtest) -> list[tuple[int, str]]:
    return [((each.at - NOVEMBER) // HOUR, each.detail) for each in run.fired]


def test_thresholds_are_crossed_in_the_hour_in_which_their_scope_reaches_them() -> None:
    run = played(Backtest([budget()], QUIET, NOVEMBER), NOVEMBER, 300)
    assert told(run) == [(168, "actual crossed 0.7"), (204, "actual crossed 0.85"), (240, "actual crossed 1")]


def test_flags_are_those_of_the_rules_that_are_tried() -> None:
    rules = [{"key": "tier", "at": 0.85, "variant": "throttled"}, {"key": "tier", "at": 1, "variant": "off"}]
    run = played(Backtest([budget(flags=rules)], QUIET, NOVEMBER), NOVEMBER, 300)
    assert [each.flags for each in run.fired] == [(), ("tier=throttled",), ("tier=off",)]


def test_what_was_before_is_learnt_from_and_not_told() -> None:
    run = Backtest([budget(limit="600", forecast={"at": [1]})], QUIET, NOVEMBER)
    played(run, NOVEMBER - 28 * DAY, 28 * 24)
    assert told(run) == []
    played(run, NOVEMBER, 20 * 24)
    assert told(run)[0][1] == "forecast crossed 1"
    assert told(run)[0][0] < 24, "the weeks before say how the month goes on"


def test_anomalies_are_those_of_detection() -> None:
    run = Backtest([], AnomalySettings(), NOVEMBER)
    played(run, NOVEMBER - 10 * DAY, 10 * 24)
    run.hour(NOVEMBER, [line("30"), line("50", "globex")])
    (found,) = run.fired
    assert (found.what, found.at, found.detail) == (ANOMALY, NOVEMBER, "spike, compute")


def test_the_same_thing_told_by_both_is_one_line() -> None:
    would = [
        budget_fired(NOVEMBER + HOUR, "tenant=acme", ("actual", "crossed", "0.7"), NOVEMBER, ("tier=off",)),
        anomaly_fired(NOVEMBER + 2 * HOUR, "all", "spike", "compute", above=True),
    ]
    did = [
        budget_fired(NOVEMBER + 600, "tenant=acme", ("actual", "crossed", "0.7"), NOVEMBER),
        anomaly_fired(NOVEMBER + 3 * HOUR, "all", "spike", "storage", above=True),
    ]
    rows = compare(would, did)
    assert [(each.what, proposed, was) for each, proposed, was in rows] == [
        (BUDGET, True, True), (ANOMALY, True, False), (ANOMALY, False, True),
    ]  # fmt: skip


def test_an_hour_without_cost_crosses_nothing() -> None:
    run = Backtest([budget()], QUIET, NOVEMBER)
    run.hour(NOVEMBER, [])
    assert run.fired == list[Fired]()
