"""Real bills of all providers through the whole system: `GET /costs` answers what DuckDB and Decimal make of the files.

Exact, by service, charge category, account and day, on the bases that the files tell. Skipped without the files.
"""

from __future__ import annotations

import csv
import io
import zipfile
from calendar import monthrange
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from operator import eq
from typing import TYPE_CHECKING

import pytest

from domain.money import EXACT, add_up
from tests.app.real_bills import BILLS, DATA, EXAMPLES, Bill, example, expected
from tests.live.waiting import asking, eventually

if TYPE_CHECKING:
    from tests.live.conftest import Launch
    from tests.live.system import System

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"no data in {DATA}")

EVER = {"start": "2015-01-01T00:00:00Z", "end": "2027-01-01T00:00:00Z", "source": "billing"}
Key = tuple[str, str, str, str]


def usd_rates() -> dict[tuple[str, str], Decimal]:
    """Return dollars per unit of a currency, by month: quotient of the means of the ECB's days, to ten digits."""
    with zipfile.ZipFile(DATA / "fx_ecb/eurofxref-hist.zip") as archive:
        text = archive.read(archive.namelist()[0]).decode()
    published = {row["Date"]: row for row in csv.DictReader(io.StringIO(text))}

    def mean(currency: str, year: int, month: int) -> Decimal:
        total = Decimal(0)
        for number in range(monthrange(year, month)[1]):
            day = date(year, month, 1) + timedelta(days=number)
            while day.isoformat() not in published:
                day -= timedelta(days=1)
            total += Decimal(published[day.isoformat()][currency])
        return total

    months = {("CAD", 2023, 9), ("CAD", 2021, 2), ("NOK", 2023, 6)}
    return {
        (currency, f"{year}-{month:02d}"): Decimal(f"{mean('USD', year, month) / mean(currency, year, month):.10g}")
        for currency, year, month in months
    }


def independent(bills: list[Bill]) -> dict[str, dict[Key, Decimal]]:
    """Return what the files come to by basis, in dollars."""
    rates = usd_rates()
    found: dict[str, defaultdict[Key, Decimal]] = {"billed": defaultdict(Decimal), "effective": defaultdict(Decimal)}
    for bill in bills:
        for (service, category, account, day), (_, billed, effective) in expected(bill).items():
            rate = Decimal(1) if bill.currency == "USD" else rates[bill.currency, day[:7]]
            key = ("" if service == "null" else service, category.lower(), account, day)
            found["billed"][key] = EXACT.fma(billed, rate, found["billed"][key])
            found["effective"][key] = EXACT.fma(effective, rate, found["effective"][key])
    return {basis: nonzero(sums) for basis, sums in found.items()}


def nonzero(sums: dict[Key, Decimal]) -> dict[Key, Decimal]:
    return {key: amount for key, amount in sums.items() if amount}


def answered(system: System, basis: str) -> dict[Key, Decimal]:
    asked = {"group_by": "service_name,category,account", "granularity": "day", "basis": basis}
    return nonzero(
        {
            (*group["key"].values(), group["start"][:10]): Decimal(group["amount"])
            for group in system.get("/costs", EVER | asked)["groups"]
        }
    )


def summed(system: System, basis: str, *group_by: str) -> Decimal:
    groups = system.get("/costs", EVER | {"basis": basis, "group_by": ",".join(group_by)})["groups"]
    return add_up(Decimal(group["amount"]) for group in groups)


async def test_totals_of_real_bills_are_those_of_an_independent_calculation(launch: Launch) -> None:
    bills = [*BILLS, *map(example, EXAMPLES)]
    system = launch()
    system.run("import-billing", *[str(DATA / bill.path) for bill in bills])
    for basis, sums in independent(bills).items():
        read = asking(partial(answered, system, basis))
        await eventually(read, partial(eq, sums))
        total = add_up(sums.values())
        for group_by in ([], ["category"], ["provider", "resource_type"], ["account"], ["billing_account", "sku"]):
            await eventually(asking(partial(summed, system, basis, *group_by)), partial(eq, total))
