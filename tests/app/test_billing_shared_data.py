"""Real bills, when they are at hand: what comes out equals what DuckDB and Decimal make of the same files.

The files are not part of this repository; without them these tests are skipped.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest

from app.billing_import import Options, Summary, check, read, read_only
from app.billing_plan import make_plan
from domain.billing.totals import Total

DATA = Path(__file__).parents[2].parent / "shared/data"
AWS = "aws_cur_not_final"
AZURE = "azure_header_variants/billingexports"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"no data in {DATA}")


class Bill(NamedTuple):
    """A file, SQL for what is compared of it, and the lines that are rejected."""

    path: str
    billed: str
    effective: str
    service: str
    account: str
    day: str
    category: str = "'Usage'"
    rejected: int = 0


_MDY = "strftime(strptime({0}, ['%m/%d/%Y', '%Y-%m-%d']), '%Y-%m-%d')"


def focus(path: str, day: str = "ChargePeriodStart[1:10]") -> Bill:
    service = "nullif(ServiceName, 'null')"
    return Bill(path, "BilledCost", "EffectiveCost", service, "SubAccountId", day, "ChargeCategory")


def azure(path: str, cost: str = "CostInBillingCurrency", day: str = "Date", rejected: int = 0) -> Bill:
    account = "SubscriptionGuid" if cost == "PreTaxCost" else "SubscriptionId"
    return Bill(path, cost, cost, "MeterCategory", account, _MDY.format(day), rejected=rejected)


def opencost(path: str) -> Bill:
    return azure(path, "costinbillingcurrency", "UsageDateTime")


def gcp(path: str) -> Bill:
    return Bill(path, "cost", "cost", '"service.description"', '"project.id"', "usage_start_time[1:10]")


BILLS = [
    focus("real_aws_daily_2017/focus_2017-07.csv.gz"),
    azure("azure_ea_cad/sample-anonymous-ea-export-dataset.csv"),
    azure("nise_generated/azure_2026-09.csv"),
    azure(f"{AZURE}/headersets/Enterprise.csv"),
    azure(f"{AZURE}/headersets/EnterpriseCamel.csv", "costInBillingCurrency", "date"),
    azure(f"{AZURE}/headersets/PayAsYouGo.csv", "PreTaxCost", "UsageDateTime"),
    opencost(f"{AZURE}/values/VirtualMachine.csv"),
    opencost(f"{AZURE}/values/Template.csv"),
    gcp("nise_generated/gcp_2026-09.csv"),
    gcp("gcp_export_small/2022-08-01_5.csv"),
    *[
        Bill(
            f"{AWS}/{name}.csv",
            '"lineItem/UnblendedCost"',
            '"savingsPlan/SavingsPlanEffectiveCost"',
            '"product/ProductName"',
            '"lineItem/UsageAccountId"',
            '"lineItem/UsageStartDate"[1:10]',
        )
        for name in ("2023-06-01", "2023-06-01-not-final")
    ],
    Bill(
        f"{AWS}/2022-07-01-alt-columns.csv",
        "line_item_unblended_cost",
        "line_item_unblended_cost",
        "product_product_name",
        "line_item_usage_account_id",
        "line_item_usage_start_date[1:10]",
    ),
]


def expected(bill: Bill) -> dict[tuple[str, ...], tuple[int, Decimal, Decimal]]:
    columns = ", ".join(bill[1:7])
    query = f"SELECT {columns} FROM read_csv(?, all_varchar=true, header=true, null_padding=true, quote='\"')"  # noqa: S608
    found: defaultdict[tuple[str, ...], tuple[int, Decimal, Decimal]] = defaultdict(lambda: (0, Decimal(0), Decimal(0)))
    for billed, effective, service, account, day, category in duckdb.execute(query, [str(DATA / bill.path)]).fetchall():
        key = (service or "", category, account or "", day)
        rows, total, amortised = found[key]
        found[key] = rows + 1, total + Decimal(billed), amortised + Decimal(effective)
    return dict(found)


def imported(path: Path) -> Summary:
    summary = Summary()
    (delivery,) = make_plan([str(path)]).deliveries
    assert check(delivery, Options()) == []
    read_only(delivery, Options(), summary)
    assert summary.refused == []
    return summary


@pytest.mark.parametrize("bill", BILLS, ids=lambda bill: bill.path)
def test_totals_by_service_category_account_and_day_are_those_of_an_independent_calculation(bill: Bill) -> None:
    summary = imported(DATA / bill.path)
    totals = summary.by("service", "category", "account", "day")
    assert len({currency for currency, *_ in totals}) == 1
    ours = {tuple(key): (total.rows, total.billed, total.effective) for (_, *key), total in totals.items()}
    assert ours == expected(bill)
    assert summary.rejected_rows == bill.rejected


EXAMPLES = sorted((DATA / "focus_spec_examples/data").rglob("*.csv"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_worked_example_of_the_focus_specification_is_read_whole(path: Path) -> None:
    text = [line for line in path.read_text("utf-8-sig").splitlines() if line.strip()]
    summary = imported(path)
    assert summary.rejected_rows == 0
    assert total_of(summary).rows == len(text) - 1


@pytest.mark.parametrize(
    "path", sorted((DATA / "focus_spec_examples/data/commitment_discount_flexibility").glob("*.csv")), ids=str
)
def test_effective_usage_of_a_commitment_is_what_its_purchase_billed(path: Path) -> None:
    summary = Summary()
    (delivery,) = make_plan([str(path)]).deliveries
    rows = [row for piece in read(delivery, Options(), summary) for row in piece.rows if row.commitment_discount_id]
    bought = sum(row.billed_cost or 0 for row in rows if row.charge_category == "Purchase")
    used = sum(row.effective_cost or 0 for row in rows if row.charge_category == "Usage")
    assert bought == used > 0


def test_localised_and_marked_headers_are_recognised() -> None:
    for name in ("BOM", "German", "YA"):
        summary = imported(DATA / AZURE / f"headersets/{name}.csv")
        assert [form for _, form in summary.files] == ["azure pay-as-you-go"]
        assert total_of(summary).billed == (0 if name == "BOM" else Decimal("0.075"))


def total_of(summary: Summary) -> Total:
    ((_, total),) = summary.by().items() or [("", Total())]
    return total
