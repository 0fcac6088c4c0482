from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.budgets import Budget, FlagRule, budget_id, define, succeed
from domain.rejection import Rejected
from domain.scope import ScopeFilter, parse_filter

SCOPE = parse_filter("tenant=acme,feature=ai-search")
BODY: dict[str, Any] = {
    "limit": "80.00",
    "currency": "USD",
    "period": "month",
    "timezone": "UTC",
    "thresholds": [0.7, 0.85, 1.0],
    "flags": [{"key": "ai-search-tier", "at": 0.85, "variant": "throttled"}],
}


def defined(scope: ScopeFilter = SCOPE, **body: Any) -> Budget:
    budget = define(scope, {**BODY, **body}, "USD")
    assert isinstance(budget, Budget)
    return budget


def refusal(**body: Any) -> str:
    rejected = define(SCOPE, {**BODY, **body}, "USD")
    assert isinstance(rejected, Rejected)
    return rejected.reason


def test_a_body_says_everything() -> None:
    budget = defined(name="Search", basis="metered", period="week", timezone="Europe/Paris", week_start="sunday")
    assert budget == Budget(
        terms=(("tenant", "acme"), ("feature", "ai-search")),
        version=1,
        limit=Decimal(80),
        currency="USD",
        period="week",
        timezone="Europe/Paris",
        week_start=6,
        thresholds=(Decimal("0.7"), Decimal("0.85"), Decimal(1)),
        basis="metered",
        flags=(FlagRule("ai-search-tier", Decimal("0.85"), "throttled"),),
        name="Search",
    )


def test_only_the_limit_is_required() -> None:
    budget = define(ScopeFilter(), {"limit": "1"}, "EUR")
    assert isinstance(budget, Budget)
    assert (budget.currency, budget.period, budget.timezone, budget.basis) == ("EUR", "month", "UTC", "best")
    assert budget.thresholds == (Decimal("0.7"), Decimal("0.85"), Decimal(1))
    assert (budget.flags, budget.name, budget.week_start) == ((), None, 0)
    assert "limit" in getattr(define(SCOPE, {}, "USD"), "reason", "")


@pytest.mark.parametrize("seven_tenths", [0.7, "0.7", Decimal("0.70"), "0.700"])
def test_a_threshold_is_the_number_as_it_was_written(seven_tenths: Any) -> None:
    assert defined(thresholds=[seven_tenths], flags=[]).thresholds == (Decimal("0.7"),)


@given(st.permutations([0.7, 0.85, 1.0, "0.85", Decimal(1)]))
def test_the_order_and_repetition_of_thresholds_mean_nothing(thresholds: list[Any]) -> None:
    assert defined(thresholds=thresholds) == defined()


def test_a_flag_adds_its_threshold() -> None:
    flags = [{"key": "tier", "at": 0.95, "variant": "off"}]
    assert defined(flags=flags).thresholds == (Decimal("0.7"), Decimal("0.85"), Decimal("0.95"), Decimal(1))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "-5"}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"limit": "NaN"}, "limit"),
        ({"limit": float("inf")}, "limit"),
        ({"limit": True}, "limit"),
        ({"limit": [1]}, "limit"),
        ({"limit": "1e16"}, "limit"),
        ({"limit": "1e99"}, "limit"),
        ({"limit": "0.0000000000000000001"}, "decimals"),
        ({"limit": "9" * 5000}, "limit"),
        ({"limit": None}, "limit: missing"),
        ({"currency": "EUR"}, "currency"),
        ({"period": "fortnight"}, "period"),
        ({"period": "mnth"}, "did you mean month?"),
        ({"timezone": "Europe/Pariss"}, "did you mean Europe/Paris?"),
        ({"timezone": "../etc/passwd"}, "timezone"),
        ({"timezone": 1}, "timezone"),
        ({"thresholds": []}, "thresholds"),
        ({"thresholds": 0.7}, "thresholds"),
        ({"thresholds": [0]}, "thresholds"),
        ({"thresholds": [10.1]}, "thresholds"),
        ({"thresholds": ["seven"]}, "thresholds"),
        ({"thresholds": [0.0000001]}, "decimals"),
        ({"thresholds": [n / 100 for n in range(1, 22)]}, "1 to 20"),
        ({"thresholds": [n / 100 for n in range(1, 21)]}, "more than 20 with those of the flags"),
        ({"basis": "list"}, "basis"),
        ({"week_start": "someday"}, "week_start"),
        ({"week_start": 1}, "week_start"),
        ({"name": ""}, "name"),
        ({"name": "x" * 257}, "name"),
        ({"name": "\ud800"}, "name"),
        ({"flags": {}}, "flags"),
        ({"flags": ["tier"]}, "flags"),
        ({"flags": [{"key": "tier", "at": 0.5}]}, "variant is missing"),
        ({"flags": [{"key": "tier", "at": 0, "variant": "off"}]}, "flags: at"),
        ({"flags": [{"key": "ti\x1fer", "at": 1, "variant": "off"}]}, "flags: key"),
        ({"flags": [{"key": "tier", "at": 1, "variant": "default"}]}, "default"),
        ({"flags": [{"key": "tier", "at": 1, "varient": "off"}]}, "did you mean variant?"),
        ({"treshold": 1}, "did you mean thresholds?"),
        ({"flags": [{"key": "t", "at": 1, "variant": v} for v in "ab"]}, "two variants"),
    ],
)
def test_what_a_sender_got_wrong_is_said_by_name(body: dict[str, Any], reason: str) -> None:
    assert reason in refusal(**body)
    refusal(**body).encode()


def test_a_scope_value_must_be_printable() -> None:
    assert isinstance(define(ScopeFilter((("tenant", "a\nb"),)), BODY, "USD"), Rejected)


def test_one_budget_per_scope_whatever_the_order_of_its_terms() -> None:
    assert budget_id(parse_filter("feature=ai-search,tenant=acme")) == budget_id(SCOPE) == defined().id
    assert budget_id(ScopeFilter()) != budget_id(SCOPE)
    assert defined().id.startswith("b-")
    assert len(defined().id) == 18


def test_the_same_definition_keeps_its_version() -> None:
    first = succeed(None, defined())
    assert first.version == 1
    assert succeed(first, defined(limit="80.0", thresholds=["1", "0.850", 0.7])) is first


CHANGES: list[dict[str, Any]] = [
    {"limit": "81"},
    {"name": "n"},
    {"period": "day"},
    {"timezone": "Asia/Tokyo"},
    {"week_start": "sunday"},
    {"thresholds": [1]},
    {"basis": "billed"},
    {"flags": []},
]


@pytest.mark.parametrize("change", CHANGES)
def test_any_other_definition_is_the_next_version(change: dict[str, Any]) -> None:
    first = succeed(None, defined())
    second = succeed(first, defined(**change))
    assert second.version == 2
    assert succeed(second, defined()).version == 3


def test_a_budget_set_again_after_deletion_goes_on_counting() -> None:
    assert succeed(defined(), defined(), deleted=True).version == 2


@pytest.mark.parametrize("pair", list(itertools.combinations(CHANGES, 2)))
def test_versions_share_spend_when_the_same_cost_is_summed_over_the_same_periods(
    pair: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    touched = {key for change in pair for key in change}
    same = not touched & {"period", "timezone", "week_start", "basis"}
    assert defined().same_spend(defined(**pair[0], **pair[1])) is same


def test_a_budget_survives_its_row() -> None:
    budget = defined(name="Search")
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(budget), type=Budget) == budget
