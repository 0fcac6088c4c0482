from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.billing.bills import GCP, reason, row, rows

AS_JSON = (
    '[{"name": "SUD", "amount": -0.25, "type": "SUSTAINED_USAGE_DISCOUNT"},'
    ' {"name": "Trial", "amount": -0.1, "type": "PROMOTION"}]'
)
CREDITS = [AS_JSON, AS_JSON.replace('"', "'")]


@pytest.mark.parametrize("cell", CREDITS)
def test_credits_nested_in_a_record_are_charges_of_their_own(cell: str) -> None:
    usage, discount, promotion = rows(GCP | {"credits": cell})
    assert (usage.charge_category, usage.billed_cost) == ("Usage", Decimal("1.5"))
    assert (discount.charge_category, discount.charge_kind, discount.billed_cost) == (
        "Credit",
        "discount",
        Decimal("-0.25"),
    )
    assert (promotion.charge_kind, promotion.effective_cost) == ("credit", Decimal("-0.1"))
    assert len({usage.row_id, discount.row_id, promotion.row_id}) == 3
    assert discount.charge_description == "SUD"


@given(st.lists(st.decimals(-1000, 0, places=9), max_size=5))
def test_cost_and_credits_together_are_the_invoice(amounts: list[Decimal]) -> None:
    credit = ", ".join(f'{{"name": "c", "amount": {amount:f}}}' for amount in amounts)
    found = rows(GCP | {"credits": f"[{credit}]"})
    assert sum(each.billed_cost or 0 for each in found) == Decimal("1.5") + sum(amounts)


def test_labels_of_the_resource_win_over_those_of_its_project() -> None:
    assert row(GCP).team == "search"
    assert row(GCP | {"labels": "[]"}).team == "platform"


def test_the_billing_period_is_the_month_of_the_invoice() -> None:
    assert row(GCP | {"invoice.month": "202607"}).billing_period_start == datetime(2026, 7, 1, tzinfo=UTC)
    assert row(GCP | {"invoice.month": ""}).billing_period_start == datetime(2026, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cost_type", "category", "kind"),
    [
        ("regular", "Usage", "usage"),
        ("tax", "Tax", "tax"),
        ("adjustment", "Adjustment", "adjustment"),
        ("rounding_error", "Adjustment", "rounding"),
    ],
)
def test_taxes_and_adjustments_stay_apart(cost_type: str, category: str, kind: str) -> None:
    found = row(GCP | {"cost_type": cost_type})
    assert (found.charge_category, found.charge_kind) == (category, kind)


@pytest.mark.parametrize("cell", ["x", '{"amount": 1}', '[{"name": "no amount"}]', '[{"amount": "much"}]'])
def test_credits_that_cannot_be_read_reject_the_record(cell: str) -> None:
    assert reason(GCP | {"credits": cell}).startswith("credits: ")


def test_a_month_that_is_none_rejects_the_record() -> None:
    assert reason(GCP | {"invoice.month": "June"}).startswith("invoice.month: ")
