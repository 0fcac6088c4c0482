"""Reading the API's answers and the webhooks back."""

from __future__ import annotations

from decimal import Decimal

from app.demo.outcome import caught_up, read_crossings, read_outcome, scope_text
from app.demo.receiver import Received
from tests.app.demo.canned import AMOUNTS, WINDOW, ask, crossing, received


def test_spend_is_summed_over_days_dearest_first() -> None:
    outcome = read_outcome(ask, received(), **WINDOW)
    assert [(spend.name, spend.amount) for spend in outcome.tenants] == [
        ("acme", Decimal("80.000001")),
        ("globex", Decimal(20)),
    ]
    assert outcome.tenants[0].days == (Decimal("30.000001"), Decimal(50))
    assert outcome.tenants[1].days == (Decimal(20), Decimal(0))


def test_crossings_are_those_that_were_announced_in_order_of_event_time() -> None:
    outcome = read_outcome(ask, received(), **WINDOW)
    assert [(item.scope, item.threshold) for item in outcome.crossings] == [
        ("tenant=acme", Decimal("0.5")),
        ("tenant=acme", Decimal("0.7")),
    ]


def test_a_threshold_cleared_is_not_a_crossing() -> None:
    assert read_crossings([crossing("0.7", "cleared")]) == ()


def test_rejections_are_counted_by_kind_whatever_the_position() -> None:
    rejected = read_outcome(ask, received(), **WINDOW).rejected
    assert dict(rejected) == {"not JSON: Expected a value": 2, "units: missing": 1}


def test_unattributed_money_is_told_by_dimension() -> None:
    unattributed = read_outcome(ask, received(), **WINDOW).unattributed
    assert unattributed["team"] == Decimal("4.5")
    assert unattributed["tenant"] == 0


def test_caught_up_only_when_budgets_saw_everything_and_webhooks_arrived() -> None:
    assert caught_up(ask, received(), AMOUNTS)
    assert not caught_up(ask, Received(), AMOUNTS)
    assert not caught_up(ask, received(), AMOUNTS | {("acme", "new"): Decimal("0.000001")})
    assert caught_up(ask, received(), AMOUNTS | {("globex", "new"): Decimal(1)})


def test_a_scope_is_written_as_the_api_takes_it() -> None:
    assert scope_text({"feature": "chat", "tenant": "acme"}) == "tenant=acme,feature=chat"
    assert scope_text({}) == "all"
