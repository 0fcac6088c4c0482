"""Cost bases of Azure's exports, by the rules at the head of `domain/billing/azure.py`."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from domain.billing.azure import dataset_of
from domain.billing.datasets import ACTUAL, AMORTISED
from tests.domain.billing.bills import AZURE, reading, row

COVERED = AZURE | {"PricingModel": "Reservation", "ReservationId": "r1"}


def test_prices_times_quantity_are_the_costs_before_discounts() -> None:
    found = row(AZURE)
    assert (found.billed_cost, found.effective_cost) == (Decimal("2.5"), Decimal("2.5"))
    assert (found.contracted_cost, found.list_cost) == (Decimal("3.0"), Decimal("3.5"))
    assert row(AZURE | {"PayGPrice": "0"}).list_cost is None
    assert row(AZURE | {"ExchangeRatePricingToBilling": "2"}).list_cost == Decimal("7.0")
    assert row(AZURE | {"paygCostInBillingCurrency": "9"}).list_cost == 9


@pytest.mark.parametrize(
    ("cells", "dataset", "billed", "effective"),
    [
        (COVERED | {"CostInBillingCurrency": "0"}, ACTUAL, 0, None),
        (COVERED | {"CostInBillingCurrency": "0"}, AMORTISED, 0, 0),
        (COVERED, AMORTISED, 0, Decimal("2.5")),
        (COVERED | {"ChargeType": "UnusedReservation"}, AMORTISED, 0, Decimal("2.5")),
        (COVERED | {"ChargeType": "Purchase"}, ACTUAL, Decimal("2.5"), 0),
        (AZURE | {"ChargeType": "Purchase"}, ACTUAL, Decimal("2.5"), Decimal("2.5")),
        (AZURE | {"BenefitId": "plan"}, AMORTISED, 0, Decimal("2.5")),
    ],
)
def test_what_a_commitment_covers_is_billed_with_its_purchase_and_effective_with_its_use(
    cells: dict[str, str], dataset: str, billed: Decimal, effective: Decimal | None
) -> None:
    found = row(cells, dataset=dataset)
    assert (found.billed_cost, found.effective_cost) == (billed, effective)


@pytest.mark.parametrize(
    ("cells", "dataset"),
    [
        (AZURE, None),
        (COVERED, AMORTISED),
        (COVERED | {"ChargeType": "UnusedReservation"}, AMORTISED),
        (COVERED | {"ChargeType": "Purchase"}, ACTUAL),
        (COVERED | {"CostInBillingCurrency": "0"}, None),
    ],
)
def test_amortised_cost_is_told_from_actual_by_what_it_prices(cells: dict[str, str], dataset: str | None) -> None:
    reader = reading(list(cells))
    block = reader.block([[cells[list(cells)[position]]] for position in reader.positions], 1)
    assert dataset_of(block) == dataset


@pytest.mark.parametrize(
    ("charge", "category", "kind"),
    [
        ("Usage", "Usage", "usage"),
        ("Purchase", "Purchase", "purchase"),
        ("Refund", "Adjustment", "refund"),
        ("Tax", "Tax", "tax"),
        ("RoundingAdjustment", "Adjustment", "adjustment"),
        ("UnusedSavingsPlan", "Usage", "usage"),
    ],
)
def test_charge_types_stay_apart(charge: str, category: str, kind: str) -> None:
    found = row(AZURE | {"ChargeType": charge})
    assert (found.charge_category, found.charge_kind) == (category, kind)


def test_a_day_is_a_charge_period_and_the_last_day_of_a_billing_period_belongs_to_it() -> None:
    found = row(AZURE)
    assert found.charge_period_start == datetime(2026, 6, 1, tzinfo=UTC)
    assert found.charge_period_end == datetime(2026, 6, 2, tzinfo=UTC)
    assert found.billing_period_end == datetime(2026, 7, 1, tzinfo=UTC)
    odd = row(AZURE | {"BillingPeriodStartDate": "06/15/2026", "BillingPeriodEndDate": "07/14/2026"})
    assert odd.billing_period_end == datetime(2026, 7, 15, tzinfo=UTC)


def test_without_a_billing_period_it_is_the_month_of_the_charge() -> None:
    record = {name: cell for name, cell in AZURE.items() if not name.startswith("BillingPeriod")}
    assert row(record).billing_period_start == datetime(2026, 6, 1, tzinfo=UTC)


def test_services_stand_for_meters_where_an_export_has_none() -> None:
    cells = {"ServiceName" if name == "MeterCategory" else name: cell for name, cell in AZURE.items()}
    assert row(cells).service_name == "Virtual Machines"
    assert row(AZURE | {"ServiceName": "Compute"}).service_name == "Virtual Machines"


def test_tags_without_braces_say_whose_cost_it_is() -> None:
    assert (row(AZURE).team, row(AZURE).environment) == ("search", "prod")
