"""Real bills, when they are at hand, and what DuckDB and Decimal make of them.

The files are not part of this repository; tests that need them are skipped without them.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import duckdb

DATA = Path(__file__).parents[2].parent / "shared/data"
AWS = "aws_cur_not_final"
AZURE = "azure_header_variants/billingexports"


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
    currency: str = "USD"


_MDY = "strftime(strptime({0}, ['%m/%d/%Y', '%Y-%m-%d']), '%Y-%m-%d')"


def focus(path: str, day: str = "ChargePeriodStart[1:10]") -> Bill:
    service = "nullif(ServiceName, 'null')"
    return Bill(path, "BilledCost", "EffectiveCost", service, "SubAccountId", day, "ChargeCategory")


def azure(path: str, cost: str = "CostInBillingCurrency", day: str = "Date", currency: str = "USD") -> Bill:
    account = "SubscriptionGuid" if cost == "PreTaxCost" else "SubscriptionId"
    return Bill(path, cost, cost, "MeterCategory", account, _MDY.format(day), currency=currency)


def opencost(path: str) -> Bill:
    return azure(path, "costinbillingcurrency", "UsageDateTime")


def gcp(path: str) -> Bill:
    return Bill(path, "cost", "cost", '"service.description"', '"project.id"', "usage_start_time[1:10]")


BILLS = [
    focus("real_aws_daily_2017/focus_2017-07.csv.gz"),
    azure("azure_ea_cad/sample-anonymous-ea-export-dataset.csv", currency="CAD"),
    azure("nise_generated/azure_2026-09.csv"),
    azure(f"{AZURE}/headersets/Enterprise.csv", currency="CAD"),
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
            currency="NOK",
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


def example(path: Path) -> Bill:
    """Return a worked example of the FOCUS specification: few columns, and written with a spreadsheet."""
    names = path.read_text("utf-8-sig").partition("\n")[0].strip().split(",")
    service, account = (name if name in names else "''" for name in ("ServiceName", "SubAccountId"))
    day = "strftime(strptime(ChargePeriodStart, ['%Y-%m-%dT%H:%M:%SZ', '%m/%d/%y']), '%Y-%m-%d')"
    return Bill(str(path.relative_to(DATA)), "BilledCost", "EffectiveCost", service, account, day, "ChargeCategory")


def amount(text: str) -> Decimal:
    """Read an amount, also one of a spreadsheet."""
    return Decimal(text.strip().removeprefix("$").replace(",", ""))


def expected(bill: Bill) -> dict[tuple[str, ...], tuple[int, Decimal, Decimal]]:
    columns = ", ".join(bill[1:7])
    query = f"SELECT {columns} FROM read_csv(?, all_varchar=true, header=true, null_padding=true, quote='\"')"  # noqa: S608
    found: defaultdict[tuple[str, ...], tuple[int, Decimal, Decimal]] = defaultdict(lambda: (0, Decimal(0), Decimal(0)))
    for billed, effective, service, account, day, category in duckdb.execute(query, [str(DATA / bill.path)]).fetchall():
        key = (service or "", category, account or "", day)
        rows, total, amortised = found[key]
        found[key] = rows + 1, total + amount(billed), amortised + amount(effective)
    return dict(found)


EXAMPLES = sorted((DATA / "focus_spec_examples/data").rglob("*.csv"))
