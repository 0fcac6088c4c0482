from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tests.domain.billing.bills import FOCUS, read, reason, row


def test_focus_is_taken_over_as_it_is() -> None:
    found = row(FOCUS)
    assert (found.billed_cost, found.effective_cost) == (Decimal("10.10"), Decimal("9.90"))
    assert (found.list_cost, found.contracted_cost) == (Decimal(12), Decimal(11))
    assert (found.billing_currency, found.service_name, found.provider_name) == ("EUR", "Compute", "Acme Cloud")
    assert found.charge_period_end == datetime(2026, 6, 1, 1, tzinfo=UTC)
    assert (found.scope.team, found.scope.environment) == ("search", "prod")
    assert found.tags == {"Team": "search", "user:env": "prod"}


def test_the_word_null_is_null() -> None:
    found = row(FOCUS | {"ServiceName": "null", "ListCost": "NULL"})
    assert (found.service_name, found.list_cost) == (None, None)


def test_since_1_3_a_provider_is_a_service_provider() -> None:
    record = {name: cell for name, cell in FOCUS.items() if name != "ProviderName"}
    assert row(record | {"ServiceProviderName": "Acme"}).provider_name == "Acme"


def test_a_file_without_currencies_has_the_one_that_the_importer_assumes() -> None:
    assert row({name: cell for name, cell in FOCUS.items() if name != "BillingCurrency"}).billing_currency == "USD"


@pytest.mark.parametrize(
    ("category", "charge_class", "kind"),
    [
        ("Usage", "", "usage"),
        ("Usage", "Correction", "usage"),
        ("Purchase", "", "purchase"),
        ("Purchase", "Correction", "refund"),
        ("Tax", "", "tax"),
        ("Credit", "", "credit"),
        ("Adjustment", "", "adjustment"),
    ],
)
def test_categories_and_corrections_stay_apart(category: str, charge_class: str, kind: str) -> None:
    found = row(FOCUS | {"ChargeCategory": category, "ChargeClass": charge_class})
    assert (found.charge_category, found.charge_class, found.charge_kind) == (category, charge_class or None, kind)


@pytest.mark.parametrize(
    ("column", "cell", "why"),
    [
        ("BilledCost", "", "BilledCost: empty"),
        ("BilledCost", "free", "BilledCost: 'free' is not a number"),
        ("ChargePeriodStart", "then", "ChargePeriodStart: 'then' is not a date or time"),
        ("ChargeCategory", "Fun", "ChargeCategory: 'Fun' is not one of Usage, Purchase, Tax, Credit, Adjustment"),
        ("Tags", "x", "Tags: 'x' are not tags"),
        ("ListCost", "x", "ListCost: 'x' is not a number"),
    ],
)
def test_a_bad_cell_rejects_its_row_with_the_reason(column: str, cell: str, why: str) -> None:
    assert reason(FOCUS | {column: cell}) == why


def test_a_bad_row_takes_no_other_with_it_and_names_its_line() -> None:
    found, rejected = read([FOCUS, FOCUS | {"BilledCost": "x"}, FOCUS])
    assert len(found) == 2
    assert [each.line for each in rejected] == [3]
