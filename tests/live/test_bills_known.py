"""What was known of bills when, by account and SKU; and two exports that tell the same charges."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from operator import eq
from typing import TYPE_CHECKING, Any

import pytest

from tests.domain.billing.bills import AZURE
from tests.live import bill
from tests.live.waiting import asking, eventually

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.live.conftest import Launch

COVERED = {"ReservationId": "r1", "PricingModel": "Reservation", "Date": "06/01/2026"}


def write(path: Path, records: list[Mapping[str, str]]) -> Path:
    names = list(dict.fromkeys(name for record in records for name in record))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(records)
    return path


async def test_bills_are_answered_as_they_were_known(launch: Launch, tmp_path: Path) -> None:
    first = [line | {"SubAccountId": f"a{number % 2}"} for number, line in enumerate(bill.lines(40))]
    restated = [line | {"BilledCost": "0.25"} for line in first]
    system = launch()
    read = partial(system.costs, "account", source="billing")
    begun = datetime.now(UTC)
    file = bill.write(tmp_path / "november.csv", first)
    system.run("import-billing", str(file))
    known = {
        (account,): sum((Decimal(line["BilledCost"]) for line in first if line["SubAccountId"] == account), Decimal(0))
        for account in ("a0", "a1")
    }
    await eventually(asking(read), partial(eq, known))
    between = datetime.now(UTC)
    bill.write(file, restated)
    system.run("import-billing", str(file))
    await eventually(asking(read), partial(eq, {("a0",): Decimal(5), ("a1",): Decimal(5)}))
    assert read(as_of=between.isoformat()) == known
    assert read(as_of=begun.isoformat()) == {}
    shown = json.loads(
        system.run("costs", "--source", "billed", "--as-of", between.isoformat(), "--start", "2026-11-01T00:00:00Z",
                   "--end", "2026-12-01T00:00:00Z", "--json")
    )  # fmt: skip
    assert Decimal(shown["total"]) == sum(known.values())
    assert datetime.fromisoformat(shown["completeness"]["as_of"]) <= between


async def test_actual_and_amortised_exports_of_a_month_count_each_basis_once(launch: Launch, tmp_path: Path) -> None:
    usage = AZURE | {"BillingCurrency": "USD"}
    bought = usage | COVERED | {"ChargeType": "Purchase", "CostInBillingCurrency": "30"}
    used = usage | COVERED | {"CostInBillingCurrency": "0"}
    amortised = used | {"CostInBillingCurrency": "1"}
    system = launch()
    system.run("import-billing", str(write(tmp_path / "amortised.csv", [usage, amortised])))
    await system.until_total(Decimal("3.5"), source="billing", basis="effective")
    system.run("import-billing", str(write(tmp_path / "actual.csv", [usage, bought, used])))
    await system.until_total(Decimal("32.5"), source="billing")
    await system.until_total(Decimal("3.5"), source="billing", basis="effective")
    assert system.costs("account", source="billing") == {("sub",): Decimal("32.5")}
    assert system.costs("account", source="billing", basis="effective") == {("sub",): Decimal("3.5")}


async def test_a_bill_waits_for_a_missing_rate_and_the_importer_says_so(launch: Launch, tmp_path: Path) -> None:
    lines = bill.lines(4)
    lines[2]["BillingCurrency"] = "HRK"
    system = launch()
    file = str(bill.write(tmp_path / "november.csv", lines))
    with pytest.raises(AssertionError, match="import-billing"):
        system.run("import-billing", file)
    reason = "no rate from HRK to USD for 2026-11; add it as [[fx.rates]] to the configuration"
    await eventually(
        lambda: system.broker.read("dead-letter"),
        lambda letters: reason in [letter["data"]["reason"] for letter in letters],
    )
    assert system.costs("tenant", source="billing") == {}
    system.stop()
    rate = '[[fx.rates]]\nmonth = "2026-11"\nfrom = "HRK"\nto = "USD"\nrate = 0.125\n'
    system = launch(config=rate)
    system.run("import-billing", file)
    expected = sum(Decimal(line["BilledCost"]) for line in lines) - Decimal(lines[2]["BilledCost"]) * 7 / 8
    await system.until_total(expected, source="billing")


async def test_a_purchase_that_a_newer_edition_no_longer_has_leaves_nothing_in_later_months(
    launch: Launch, tmp_path: Path
) -> None:
    usage = AZURE | {"BillingCurrency": "USD"}
    bought = usage | COVERED | {"ChargeType": "Purchase", "CostInBillingCurrency": "36.50", "Term": "12"}
    bought |= {"Date": "06/01/2026"}
    system = launch()
    whole: dict[str, Any] = {"source": "billing", "basis": "effective", "start": "2026-06-01T00:00:00Z"}
    whole["end"] = "2027-07-01T00:00:00Z"
    file = write(tmp_path / "actual.csv", [usage, bought])
    system.run("import-billing", str(file))
    await system.until_total(Decimal(39), **whole)
    write(file, [usage])
    system.run("import-billing", str(file))
    await system.until_total(Decimal("2.5"), **whole)
