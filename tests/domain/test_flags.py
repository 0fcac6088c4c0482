"""Flag sets are judged by flagd's own evaluator, as an OpenFeature application would see them."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openfeature.contrib.tools.flagd.core import FlagdCore
from openfeature.evaluation_context import EvaluationContext

from domain.flags import SCHEMA, FlagState, active, decode, encode, flag_set
from domain.scope import DIMENSIONS

NOW = 1_000_000
FULL: dict[str, Any] = dict.fromkeys(DIMENSIONS, "x")


def state(variant: str | None = "throttled", at: str = "0.85", *, until: int | None = None, **scope: str) -> FlagState:
    return FlagState(
        key="tier",
        budget_id=f"b-{scope}",
        scope=scope,
        variants=("throttled", "blocked"),
        variant=variant,
        at=at if variant else None,
        until=None if until is None else datetime.fromtimestamp(until, UTC),
    )


def served(states: list[FlagState], now: float = NOW, **context: str) -> str:
    core = FlagdCore()
    core.set_flags(flag_set(states, now))
    details = core.resolve_string_value("tier", "code-default", EvaluationContext(attributes=dict(context)))
    assert isinstance(details.value, str)
    return details.value


def test_a_flag_set_is_flagd_json() -> None:
    assert flag_set([state(tenant="acme", feature="search")], NOW) == {
        "$schema": SCHEMA,
        "flags": {
            "tier": {
                "state": "ENABLED",
                "variants": {"default": "default", "blocked": "blocked", "throttled": "throttled"},
                "defaultVariant": "default",
                "targeting": {
                    "if": [
                        {
                            "and": [
                                {"===": [{"var": ["tenant"]}, "acme"]},
                                {
                                    "or": [
                                        {"!": [{"var": ["feature"]}]},
                                        {"===": [{"var": ["feature"]}, "search"]},
                                    ]
                                },
                            ]
                        },
                        "throttled",
                        None,
                    ]
                },
            }
        },
    }


def test_no_budgets_no_flags() -> None:
    assert flag_set([], NOW)["flags"] == {}


def test_variants_are_listed_from_the_moment_the_budget_is_set() -> None:
    flag = flag_set([state(None, tenant="acme")], NOW)["flags"]["tier"]
    assert set(flag["variants"]) == {"default", "throttled", "blocked"}
    assert flag["targeting"] == {}
    assert served([state(None, tenant="acme")], tenant="acme") == "default"


@pytest.mark.parametrize("dimension", [name for name in DIMENSIONS if name != "feature"])
def test_a_dimension_must_match_and_be_named(dimension: str) -> None:
    labels: dict[str, dict[str, Any]] = {value: {dimension: value} for value in ("a", "b", "A")}
    states = [state(**labels["a"])]
    assert served(states, **labels["a"]) == "throttled"
    assert served(states, **labels["b"]) == "default"
    assert served(states, **labels["A"]) == "default"
    assert served(states) == "default"


def test_a_feature_need_not_say_which_feature_it_is() -> None:
    states = [state(tenant="acme", feature="search")]
    assert served(states, tenant="acme") == "throttled"
    assert served(states, tenant="acme", feature="search") == "throttled"
    assert served(states, tenant="acme", feature="") == "throttled"
    assert served(states, tenant="acme", feature="chat") == "default"
    assert served(states, tenant="other", feature="search") == "default"


def test_a_budget_of_everything_concerns_everybody() -> None:
    assert served([state()]) == "throttled"
    assert served([state()], tenant="anyone") == "throttled"


SCOPES: list[dict[str, Any]] = [
    dict.fromkeys(names, "x") for size in range(6) for names in itertools.combinations(DIMENSIONS, size)
]


@pytest.mark.parametrize("scope", SCOPES, ids=lambda scope: ",".join(scope) or "all")
def test_the_truth_table_of_scopes_and_contexts(scope: dict[str, Any]) -> None:
    for context in SCOPES:
        concerned = all(name in context or name == "feature" for name in scope)
        assert served([state(**scope)], **context) == ("throttled" if concerned else "default")
        mismatch: dict[str, Any] = {**context, **dict.fromkeys(scope, "y")}
        assert served([state(**scope)], **mismatch) == ("default" if scope else "throttled")


def test_of_several_budgets_the_most_specific_wins_then_the_highest_threshold() -> None:
    parent, child = state("blocked", "1", tenant="x"), state("throttled", "0.7", tenant="x", feature="x")
    for states in itertools.permutations([parent, child]):
        assert served(list(states), **FULL) == "throttled"
        assert served(list(states), tenant="x", feature="y") == "blocked"
    by_team, by_service = state("throttled", "0.85", team="x"), state("blocked", "1", service="x")
    for states in itertools.permutations([by_team, by_service]):
        assert served(list(states), **FULL) == "blocked"


def test_a_lease_ends_with_the_period_though_no_event_comes() -> None:
    leased = state(tenant="x", until=NOW)
    assert served([leased], NOW - 1, tenant="x") == "throttled"
    assert served([leased], NOW, tenant="x") == "default"
    assert not active(leased, NOW)


def test_what_history_crossed_has_no_end_of_its_own() -> None:
    assert active(state(tenant="x"), 10**12)
    assert not active(state(None, tenant="x"), 0)


@given(st.permutations([state("blocked", "1", tenant=name, feature="f") for name in "abcde"]))
def test_the_order_of_states_does_not_change_the_set(states: list[FlagState]) -> None:
    assert flag_set(states, NOW) == flag_set(sorted(states, key=lambda one: one.budget_id), NOW)


def test_ten_thousand_budgets_can_switch_one_flag() -> None:
    states = [state(tenant=f"t{number}") for number in range(10_000)]
    assert served(states, tenant="t9999") == "throttled"


def test_a_document_of_the_view_is_read_back() -> None:
    document: dict[str, Any] = {
        "key": "tier",
        "variant": "throttled",
        "scope": {"tenant": "x"},
        "at": "0.85",
        "variants": ["throttled", "blocked"],
        "budget_id": "b-{'tenant': 'x'}",
        "until": "1970-01-12T13:46:40Z",
    }
    assert decode(json.dumps(document).encode()) == state(tenant="x", until=NOW)
    assert decode(encode(state(tenant="x"))) == state(tenant="x")
