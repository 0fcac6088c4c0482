"""A purchase whose effective cost nobody tells is spread over its charge period, and nothing counts twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.billing.amortising import spread
from domain.billing.charges import book
from domain.billing.comparing import BilledSums
from domain.billing.coverage import coverage
from domain.billing.editions import standing
from domain.fx import MissingRateError, Month, OwnRate, Rates
from domain.money import ZERO, add_up
from tests.domain.billing.bills import AZURE, FOCUS, noted, reading, rows

if TYPE_CHECKING:
    from domain.billing.row import BillingRow

JUNE = datetime(2026, 6, 1, tzinfo=UTC)
YEARLY: dict[str, Any] = FOCUS | {
    "BilledCost": "1000",
    "EffectiveCost": "",
    "ChargeCategory": "Purchase",
    "ChargePeriodStart": "2026-06-01T00:00:00Z",
    "ChargePeriodEnd": "2027-06-01T00:00:00Z",
    "CommitmentDiscountId": "",
}


def effective(found: list[BillingRow]) -> Decimal:
    return add_up(each.effective_cost or ZERO for each in found)


@given(
    st.decimals("-1e9", "1e9", places=9),
    st.integers(0, 86_399),
    st.integers(1, 1100 * 86_400),
)
def test_parts_sum_to_the_whole_and_no_day_has_more_than_its_share(cost: Decimal, second: int, seconds: int) -> None:
    start = JUNE + timedelta(seconds=second)
    parts = spread(cost, start, start + timedelta(seconds=seconds))
    assert add_up(part.amount for part in parts) == cost
    assert (parts[0].start, parts[-1].end) == (start, start + timedelta(seconds=seconds))
    assert [part.end for part in parts[:-1]] == [part.start for part in parts[1:]]
    for part in parts:
        share = cost * Decimal((part.end - part.start).total_seconds()) / seconds
        assert abs(part.amount - share) <= Decimal("1E-12")
        assert part.start.date() == (part.end - timedelta(microseconds=1)).date()


def test_a_purchase_is_spread_over_its_days_and_billed_once() -> None:
    found = rows(YEARLY)
    assert len(found) == 365
    assert add_up(each.billed_cost or ZERO for each in found) == effective(found) == 1000
    assert [each.charge_period_start for each in found] == [JUNE + timedelta(days=day) for day in range(365)]
    assert {each.effective_cost for each in found} == {Decimal("2.739726027397"), Decimal("2.739726027398")}
    assert len({each.row_id for each in found}) == 365
    assert found[0].billed_cost == 1000
    assert add_up(each.list_cost or ZERO for each in found) == 12


@pytest.mark.parametrize(("cost", "expected"), [("0", 0), ("990", 990)])
def test_what_the_file_says_of_effective_cost_wins(cost: str, expected: int) -> None:
    (found,) = rows(YEARLY | {"EffectiveCost": cost})
    assert found.effective_cost == expected
    assert noted(YEARLY | {"EffectiveCost": cost}) == []


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ({"CommitmentDiscountId": "ri-1"}, "what the commitment covers tells it"),
        ({"CommitmentDiscountCategory": "Spend"}, "what the commitment covers tells it"),
        ({"ChargePeriodEnd": "2026-06-02T00:00:00Z"}, "the charge period is not longer than a day"),
        ({"ChargePeriodEnd": "2026-05-01T00:00:00Z"}, "the charge period is not longer than a day"),
        ({"ChargePeriodEnd": "2036-06-01T00:00:00Z"}, "the charge period ends 2036-06-01"),
    ],
)
def test_what_has_no_term_of_its_own_is_not_spread_but_noted(cells: dict[str, str], why: str) -> None:
    (found,) = rows(YEARLY | cells)
    assert found.billed_cost == 1000
    assert found.effective_cost is None
    assert noted(YEARLY | cells) == [(2, f"EffectiveCost: empty, and not spread: {why}")]


@pytest.mark.parametrize("category", ["Usage", "Tax", "Credit", "Adjustment"])
def test_only_purchases_are_spread(category: str) -> None:
    (found,) = rows(YEARLY | {"ChargeCategory": category})
    assert found.effective_cost is None


BOUGHT = AZURE | {
    "ChargeType": "Purchase",
    "ReservationId": "r",
    "PricingModel": "Reservation",
    "CostInBillingCurrency": "3650",
    "Date": "06/10/2026",
}


@pytest.mark.parametrize("term", ["12", "12 months", "P12M", "P1Y", "1 Year"])
def test_a_purchase_of_azure_is_spread_over_its_term_in_statements_of_its_months(term: str) -> None:
    found = rows(BOUGHT | {"Term": term, "Frequency": "OneTime"}, dataset="actual")
    assert [each.effective_cost for each in found] == [10] * 365
    assert add_up(each.billed_cost or ZERO for each in found) == found[0].billed_cost == 3650
    assert found[0].statement == "Microsoft/actual/acct/2026-06-01"
    months = [f"2026-{month:02d}-01" for month in range(6, 13)] + [f"2027-{month:02d}-01" for month in range(1, 7)]
    statements = dict.fromkeys(each.statement for each in found[1:])
    assert list(statements) == [f"Microsoft/purchases/acct/{month}" for month in months]
    assert {each.part for each in found[1:]} == {"2026-06-01/bill.csv"}
    assert all(each.statement.endswith(f"{each.charge_period_start:%Y-%m-01}") for each in found)


def test_a_monthly_payment_of_azure_is_of_a_month_whatever_the_term() -> None:
    found = rows(BOUGHT | {"Term": "36", "Frequency": "Recurring", "CostInBillingCurrency": "30"}, dataset="actual")
    assert [each.effective_cost for each in found] == [1] * 30


def test_periods_of_azure_need_not_be_months() -> None:
    period = {"BillingPeriodStartDate": "06/05/2026", "BillingPeriodEndDate": "07/04/2026"}
    found = rows(BOUGHT | period | {"Frequency": "Recurring"}, dataset="actual")
    assert {each.statement for each in found if f"{each.charge_period_start:%m-%d}" < "07-05"} == {
        "Microsoft/actual/acct/2026-06-05",
        "Microsoft/purchases/acct/2026-06-05",
    }
    assert found[-1].statement == "Microsoft/purchases/acct/2026-07-05"


def test_a_purchase_of_azure_without_a_term_is_noted_and_an_amortised_export_spreads_by_itself() -> None:
    assert [why.partition(",")[0] for _, why in noted(BOUGHT, dataset="actual")] == ["a commitment"]
    assert len(rows(BOUGHT, dataset="actual")) == len(rows(BOUGHT | {"Term": "12"}, dataset="amortised")) == 1
    assert noted(BOUGHT | {"Term": "12"}, dataset="amortised") == noted(AZURE, dataset="actual") == []


def test_each_month_of_a_purchase_is_an_edition_of_its_file() -> None:
    record = BOUGHT | {"Term": "12"}
    reader = reading(list(record), dataset="actual")
    columns = [[record[list(record)[position]]] for position in reader.positions]
    found, _ = reader.rows(reader.block(columns, 1), lambda position: position)
    editions = reader.editions()
    assert len(editions) == 14
    for edition in editions:
        mine = [each for each in found if (each.statement, each.part, each.assembly) == edition.key]
        assert len(mine) == edition.rows > 0
    (account,) = coverage((each.statement, [each]) for each in editions)["azure"].items()
    assert account == ("actual/acct", int(datetime(2026, 6, 11, tzinfo=UTC).timestamp()))


def test_all_parts_have_the_rate_of_the_month_of_the_purchase() -> None:
    rates = Rates(own=[OwnRate(Month(2026, 6), "EUR", "USD", Decimal("1.5"))])
    booked = [book(each, rates, "USD", lambda _: None) for each in rows(YEARLY)]
    assert add_up(each.amounts[1] or ZERO for each in booked) == 1500
    assert {each.key.hour for each in booked} == {int((JUNE + timedelta(days=day)).timestamp()) for day in range(365)}
    sums = BilledSums(rates, "USD", basis="effective", categories={"purchase"})
    sums.add(rows(YEARLY))
    with pytest.raises(MissingRateError):
        sums.add(rows(FOCUS | {"ChargeCategory": "Purchase", "ChargePeriodStart": "2026-07-01T00:00:00Z"}))


def test_parts_are_of_the_edition_and_make_no_later_day_complete() -> None:
    names = list(YEARLY)
    reader = reading(names)
    records = [YEARLY, FOCUS | {"CommitmentDiscountId": ""}]
    columns = [[record[names[position]] for record in records] for position in reader.positions]
    found, _ = reader.rows(reader.block(columns, 2), lambda position: position)
    (edition,) = reader.editions()
    assert (edition.rows, len(found)) == (366, 366)
    assert {(row.statement, row.part, row.assembly) for row in found} == standing([edition])
    assert edition.latest == int(datetime(2027, 6, 1, tzinfo=UTC).timestamp())
    second = int((JUNE + timedelta(days=1)).timestamp())
    assert coverage([(edition.statement, [edition])]) == {"acme_cloud": {"/acct": second}}
