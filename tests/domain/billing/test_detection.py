"""A format is told by its columns; half of one is refused, and what is missing is said."""

from __future__ import annotations

from decimal import Decimal

import pytest

from domain.billing.catalogue import FORMATS, detect
from domain.billing.formats import Unrecognised
from domain.billing.header import Header
from tests.domain.billing.bills import AWS, AZURE, FOCUS, GCP, row

OCI = [
    "lineItem/referenceNo",
    "lineItem/tenantId",
    "lineItem/intervalUsageStart",
    "lineItem/intervalUsageEnd",
    "product/service",
    "product/compartmentId",
    "product/region",
    "usage/billedQuantity",
    "cost/subscriptionId",
    "cost/productSku",
    "cost/unitPrice",
    "cost/myCost",
    "cost/currencyCode",
    "tags/Oracle-Tags.CreatedBy",
]
GERMAN = [
    "Abonnement-GUID (SubscriptionGuid)",
    "UsageDateTime (UsageDateTime)",
    "Kategorie der Verbrauchseinheit (MeterCategory)",
    "PreTaxCost (PreTaxCost)",
    "Currency",
]


def name_of(names: list[str]) -> str:
    found = detect(Header(names))
    assert not isinstance(found, Unrecognised), found
    return found.name


@pytest.mark.parametrize(("record", "name"), [(FOCUS, "focus"), (AWS, "aws-cur"), (AZURE, "azure"), (GCP, "gcp")])
def test_a_format_is_told_by_its_columns_in_any_case_and_order(record: dict[str, str], name: str) -> None:
    assert name_of(list(record)) == name
    assert name_of([column.upper() for column in reversed(record)]) == name


@pytest.mark.parametrize(
    "header",
    [
        (
            "Billing account name,Billing account ID,Project name,Project ID,Project hierarchy,Service description,"
            "Service ID,SKU description,SKU ID,Consumption model description,Credit type,Cost type,Usage start date,"
            "Usage end date,Usage amount,Usage unit,Unrounded cost ($),Cost ($)"
        ),
        (
            "Date,Service description,Service ID,SKU description,SKU ID,Usage amount,Usage unit,List cost (€),"
            "Negotiated savings (€),Savings programs (€),Other savings (€),Unrounded subtotal (€),Subtotal (€)"
        ),
        "Project name,Project ID,Service description,SKU description,Usage start date,Usage end date,Cost (EUR)",
    ],
)
def test_a_table_of_the_console_is_refused_with_what_to_export_instead(header: str) -> None:
    found = detect(Header(header.split(",")))
    assert isinstance(found, Unrecognised)
    assert "export to BigQuery" in str(found)
    assert str(found).endswith(header.replace(",", ", "))


def test_another_table_with_services_and_skus_is_only_unknown() -> None:
    found = detect(Header(["Service description", "SKU description", "Price"]))
    assert isinstance(found, Unrecognised)
    assert str(found).startswith("unknown format")


def test_spellings_of_one_column_are_one() -> None:
    athena = {
        "line_item_unblended_cost": "3",
        "line_item_line_item_type": "Usage",
        "line_item_usage_start_date": "2026-06-01 00:00:00.000",
        "line_item_product_code": "AmazonEC2",
        "line_item_usage_account_id": "1",
        "bill_billing_period_start_date": "2026-06-01 00:00:00.000",
        "bill_billing_period_end_date": "2026-07-01 00:00:00.000",
        "resource_tags_user_team": "search",
    }
    assert (row(athena).billed_cost, row(athena).team) == (Decimal(3), "search")


def test_localised_headers_name_the_column_in_parentheses() -> None:
    assert name_of(GERMAN) == "azure"


def test_an_unknown_format_is_refused_with_the_header_that_was_seen() -> None:
    refusal = detect(Header(OCI))
    assert isinstance(refusal, Unrecognised)
    assert "unknown format" in str(refusal)
    assert "lineItem/intervalUsageStart" in str(refusal)


def test_a_header_of_a_megabyte_is_not_shown_whole() -> None:
    assert len(str(detect(Header(["h" * 1_000_000])))) < 5_000


@pytest.mark.parametrize("record", [FOCUS, AWS, AZURE, GCP])
def test_half_a_format_is_refused_with_what_is_missing(record: dict[str, str]) -> None:
    form = detect(Header(list(record)))
    assert not isinstance(form, Unrecognised)
    for group in form.needs:
        rest = [name for name in record if name not in group]
        refusal = detect(Header(rest))
        assert isinstance(refusal, Unrecognised)
        assert (form.name, (" or ".join(group),)) in refusal.nearest


def test_a_needed_column_that_is_there_twice_is_refused_for_nobody_can_say_which_is_meant() -> None:
    found = detect(Header([*FOCUS, "billedcost"]))
    assert isinstance(found, Unrecognised)
    assert str(found).startswith("these columns are there twice: BilledCost. The header is: BilledCost, ")


def test_a_header_is_shown_without_control_characters() -> None:
    assert "\x1b" not in str(detect(Header(["\x1b[31mred", "\0"])))


def test_names_of_formats_are_distinct() -> None:
    assert len({form.name for form in FORMATS}) == len(FORMATS)


@pytest.mark.parametrize(
    ("column", "version"),
    [("ServiceName", "1.0"), ("CapacityReservationId", "1.1"), ("InvoiceId", "1.2"), ("HostProviderName", "1.3")],
)
def test_the_version_of_focus_is_told_by_its_newest_column(column: str, version: str) -> None:
    header = Header([*FOCUS, column])
    form = detect(header)
    assert not isinstance(form, Unrecognised)
    assert form.label(header) == version
