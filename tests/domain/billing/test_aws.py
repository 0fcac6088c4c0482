"""Cost bases of AWS line items, by the rules at the head of `domain/billing/aws.py`."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.domain.billing.bills import AWS, noted, reading, row, rows

Bases = tuple[str, str, str, str]


def bases(**cells: str) -> Bases:
    names = {
        "type": "lineItem/LineItemType",
        "unblended": "lineItem/UnblendedCost",
        "net": "lineItem/NetUnblendedCost",
        "public": "pricing/publicOnDemandCost",
        "reserved": "reservation/EffectiveCost",
        "net_reserved": "reservation/NetEffectiveCost",
        "arn": "reservation/ReservationARN",
        "upfront_unused": "reservation/UnusedAmortizedUpfrontFeeForBillingPeriod",
        "recurring_unused": "reservation/UnusedRecurringFee",
        "plan": "savingsPlan/SavingsPlanEffectiveCost",
        "committed": "savingsPlan/TotalCommitmentToDate",
        "used": "savingsPlan/UsedCommitment",
    }
    amortised = {names["reserved"]: "", names["plan"]: ""}
    found = row(AWS | amortised | {names[name]: cell for name, cell in cells.items()})
    return tuple(  # type: ignore[return-value]
        str(amount) for amount in (found.billed_cost, found.effective_cost, found.contracted_cost, found.list_cost)
    )


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"type": "Usage", "unblended": "3", "public": "4"}, ("3", "3", "3", "4")),
        ({"type": "Usage", "unblended": "3", "public": "4", "net": "2.5"}, ("2.5", "2.5", "3", "4")),
        ({"type": "DiscountedUsage", "unblended": "0", "public": "4", "reserved": "1"}, ("0", "1", "4", "4")),
        (
            {"type": "DiscountedUsage", "unblended": "0", "public": "4", "reserved": "1", "net_reserved": "0.9"},
            ("0", "0.9", "4", "4"),
        ),
        ({"type": "SavingsPlanCoveredUsage", "unblended": "3", "public": "4", "plan": "2"}, ("3", "2", "3", "4")),
        ({"type": "SavingsPlanNegation", "unblended": "-3", "public": ""}, ("-3", "0", "0", "0")),
        (
            {"type": "SavingsPlanRecurringFee", "unblended": "5", "public": "", "committed": "5", "used": "4"},
            ("5", "1", "5", "5"),
        ),
        ({"type": "SavingsPlanUpfrontFee", "unblended": "99", "public": ""}, ("99", "0", "99", "99")),
        (
            {"type": "RIFee", "unblended": "7", "public": "", "upfront_unused": "0.5", "recurring_unused": "0.25"},
            ("7", "0.75", "7", "7"),
        ),
        ({"type": "Fee", "unblended": "50", "public": "", "arn": "arn:ri"}, ("50", "0", "50", "50")),
        ({"type": "Fee", "unblended": "50", "public": ""}, ("50", "50", "50", "50")),
        ({"type": "Tax", "unblended": "2", "public": ""}, ("2", "2", "2", "2")),
    ],
)
def test_each_line_item_type_has_its_four_costs(cells: dict[str, str], expected: Bases) -> None:
    assert bases(**cells) == expected


@pytest.mark.parametrize(
    ("kind", "category", "ours"),
    [
        ("Usage", "Usage", "usage"),
        ("RIFee", "Purchase", "purchase"),
        ("Tax", "Tax", "tax"),
        ("Credit", "Credit", "credit"),
        ("Refund", "Adjustment", "refund"),
        ("EdpDiscount", "Credit", "discount"),
        ("SomethingNew", "Adjustment", "adjustment"),
    ],
)
def test_credits_refunds_taxes_and_discounts_stay_apart(kind: str, category: str, ours: str) -> None:
    found = row(AWS | {"lineItem/LineItemType": kind})
    assert (found.charge_category, found.charge_kind) == (category, ours)


def test_support_stays_apart_and_tax_on_it_is_tax() -> None:
    support = AWS | {"lineItem/ProductCode": "AWSSupportBusiness"}
    assert row(support).charge_kind == "support"
    assert row(support | {"lineItem/LineItemType": "Tax"}).charge_kind == "tax"


def test_a_reservation_costs_in_use_and_unused_what_was_paid_for_it() -> None:
    paid = {"lineItem/LineItemType": "RIFee", "lineItem/UnblendedCost": "10", "reservation/UnusedRecurringFee": "4"}
    used = {"lineItem/LineItemType": "DiscountedUsage", "lineItem/UnblendedCost": "0", "reservation/EffectiveCost": "6"}
    found = rows(AWS | paid, AWS | used)
    assert total(found, "billed_cost") == total(found, "effective_cost") == 10


def test_usage_under_a_savings_plan_is_billed_with_the_plan_only() -> None:
    kinds = [("SavingsPlanCoveredUsage", "3"), ("SavingsPlanNegation", "-3"), ("SavingsPlanRecurringFee", "2")]
    plan = {"savingsPlan/SavingsPlanEffectiveCost": "2", "savingsPlan/TotalCommitmentToDate": "2"}
    records = [
        AWS | plan | {"lineItem/LineItemType": kind, "lineItem/UnblendedCost": cost, "savingsPlan/UsedCommitment": "2"}
        for kind, cost in kinds
    ]
    found = rows(*records)
    assert total(found, "billed_cost") == total(found, "effective_cost") == 2


def test_tags_are_a_column_each_or_one_map_and_empty_ones_are_left_out() -> None:
    columns = row(AWS | {"resourceTags/user:Empty": ""})
    assert columns.tags == {"resourceTags/user:Team": "search", "resourceTags/user:Name": "host-1"}
    plain = {name: cell for name, cell in AWS.items() if not name.startswith("resourceTags")}
    for tags in ('{"user_team": "search"}', {"user_team": "search"}):
        assert row(plain | {"resource_tags": tags}).team == columns.team == "search"


def test_tags_that_differ_in_case_alone_are_columns_of_their_own() -> None:
    twice = AWS | {"resourceTags/user:Team": "", "resourceTags/user:team": "search"}
    found = row(twice)
    assert (found.team, found.tags["resourceTags/user:team"]) == ("search", "search")
    assert row(dict(reversed(twice.items()))) == found


def test_tags_of_resources_win_over_those_of_their_accounts() -> None:
    cells = {name: cell for name, cell in AWS.items() if not name.startswith("resourceTags")}
    more = {"resourceTags/user:team": "ops", "accountTag/env": "prod"}
    found = row(cells | {"resource_tags": {"user_team": "search"}, "tags": more})
    assert (found.team, found.environment) == ("search", "prod")
    assert row(cells | {"resource_tags": "", "tags": more}).team == "ops"
    assert row(cells).tags == {}


def test_in_cur_2_the_product_s_name_is_in_a_map() -> None:
    assert row(AWS | {"product": '{"product_name": "EC2"}'}).service_name == "EC2"
    assert row(AWS).service_name == "AmazonEC2"


def total(found: list[Any], basis: str) -> Decimal:
    return sum((getattr(each, basis) for each in found), Decimal(0))


def test_a_report_without_amortisation_tells_commitments_as_they_were_billed() -> None:
    lines = [
        AWS | {"lineItem/LineItemType": "Fee", "lineItem/UnblendedCost": "8760", "reservation/ReservationARN": "arn:r"},
        AWS | {"lineItem/LineItemType": "DiscountedUsage", "lineItem/UnblendedCost": "0"},
        AWS | {"lineItem/LineItemType": "SavingsPlanCoveredUsage", "lineItem/UnblendedCost": "3"},
        AWS | {"lineItem/LineItemType": "SavingsPlanNegation", "lineItem/UnblendedCost": "-3"},
        AWS | {"lineItem/LineItemType": "SavingsPlanRecurringFee", "lineItem/UnblendedCost": "2"},
    ]
    found = rows(*lines)
    assert [each.effective_cost for each in found] == [each.billed_cost for each in found]
    why = "an upfront fee, not spread: the report has no columns of amortisation, and no term is told"
    assert noted(*lines) == [(2, why)]


FEE = AWS | {
    "lineItem/LineItemType": "Fee",
    "lineItem/UnblendedCost": "8760",
    "lineItem/UsageStartDate": "2026-06-10T12:00:00Z",
    "lineItem/UsageEndDate": "2026-06-10T12:00:00Z",
    "reservation/ReservationARN": "arn:r",
}
PLAN = FEE | {"lineItem/LineItemType": "SavingsPlanUpfrontFee", "reservation/ReservationARN": ""}


@pytest.mark.parametrize(
    ("cells", "until"),
    [
        (FEE | {"pricing/LeaseContractLength": "1yr"}, "2027-06-10T12"),
        (FEE | {"pricing/LeaseContractLength": "3 years"}, "2029-06-10T12"),
        (FEE | {"reservation/EndTime": "2027-06-01T00:00:00Z", "pricing/LeaseContractLength": "3yr"}, "2027-06-01T00"),
        (PLAN | {"savingsPlan/EndTime": "2027-06-09T23:59:59Z"}, "2027-06-09T23"),
        (PLAN | {"savingsPlan/PurchaseTerm": "3yr"}, "2029-06-10T12"),
        (
            FEE | {"lineItem/UsageStartDate": "2028-02-29T00:00:00Z", "pricing/LeaseContractLength": "1yr"},
            "2029-03-01T00",
        ),
    ],
)
def test_an_upfront_fee_that_the_report_does_not_amortise_is_spread_over_its_term(
    cells: dict[str, str], until: str
) -> None:
    found = rows(cells)
    days = {f"{each.charge_period_start:%Y-%m-%d}": each.effective_cost for each in found}
    assert len(days) == len(found) > 350
    assert f"{found[-1].charge_period_end:%Y-%m-%dT%H}" == until
    assert total(found, "billed_cost") == total(found, "effective_cost") == found[0].billed_cost == 8760
    assert total(found[1:], "billed_cost") == 0
    assert {each.purchased for each in found} == {found[0].charge_period_start}
    assert noted(cells) == []


def test_parts_in_later_months_are_of_statements_that_give_way_to_reports_which_amortise_them() -> None:
    for cells, dataset in (
        (FEE | {"pricing/LeaseContractLength": "1yr"}, "reservation-fees"),
        (PLAN | {"savingsPlan/PurchaseTerm": "1yr"}, "plan-fees"),
    ):
        found = rows(cells, dataset="cur")
        june = [each for each in found if f"{each.charge_period_start:%Y-%m}" == "2026-06"]
        assert {(each.statement.split("/")[1], each.part) for each in june} == {("cur", found[0].part)}
        assert [each.statement.split("/", 1)[1] for each in found if each not in june] == [
            f"{dataset}/{found[0].billing_account_id}/{each.charge_period_start:%Y-%m}-01"
            for each in found
            if each not in june
        ]
        assert {each.part for each in found if each not in june} == {f"2026-06-01/{found[0].part}"}


@pytest.mark.parametrize(
    ("columns", "amortises"),
    [
        ((), ()),
        (("reservation/EffectiveCost",), ("reservation-fees",)),
        (("savings_plan_savings_plan_effective_cost",), ("plan-fees",)),
        (("reservation/EffectiveCost", "savingsPlan/SavingsPlanEffectiveCost"), ("reservation-fees", "plan-fees")),
    ],
)
def test_an_edition_says_which_fees_it_amortises(columns: tuple[str, ...], amortises: tuple[str, ...]) -> None:
    record = AWS | dict.fromkeys(columns, "")
    reader = reading(list(record))
    reader.rows(reader.block([[record[list(record)[at]]] for at in reader.positions], 1), lambda at: at)
    assert [each.amortises for each in reader.editions()] == [amortises]


def test_a_recurring_fee_that_the_report_does_not_amortise_is_spread_over_the_month_it_pays_for() -> None:
    month = {"lineItem/UsageStartDate": "2026-06-01T00:00:00Z", "lineItem/UsageEndDate": "2026-07-01T00:00:00Z"}
    found = rows(AWS | month | {"lineItem/LineItemType": "RIFee", "lineItem/UnblendedCost": "60"})
    assert [each.effective_cost for each in found] == [2] * 30
    assert total(found, "billed_cost") == 60


@pytest.mark.parametrize(
    ("cells", "count"),
    [
        ({"reservation/EffectiveCost": ""}, 1),
        ({"reservation/ReservationARN": ""}, 1),
        ({"lineItem/UnblendedCost": "0"}, 1),
        ({"savingsPlan/SavingsPlanEffectiveCost": ""}, 365 + 1),
    ],
)
def test_only_fees_of_commitments_are_spread_and_only_where_nothing_amortises_them(
    cells: dict[str, str], count: int
) -> None:
    assert len(rows(FEE | {"pricing/LeaseContractLength": "1yr"} | cells)) == count


def test_a_term_that_no_provider_sells_is_noted() -> None:
    ((_, why),) = noted(FEE | {"reservation/EndTime": "2046-06-01T00:00:00Z"})
    assert why.endswith("no columns of amortisation, and the charge period ends 2046-06-01")
