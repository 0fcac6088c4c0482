"""A bill counts once, a restatement in place of what it restates, and the best figure is the settled one."""

from __future__ import annotations

import asyncio
import json
import signal
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.domain.billing.bills import AZURE
from tests.live import bill, usage
from tests.live.waiting import asking, eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.live.bill import Line
    from tests.live.conftest import Launch
    from tests.live.system import System

ROWS = 20_000


async def until_billed(system: System, expected: list[Line]) -> None:
    by_tenant = bill.by_tenant(expected)
    await eventually(asking(lambda: system.costs("tenant", source="billing")), lambda found: found == by_tenant)


async def test_a_bill_counts_once_and_its_restatement_in_its_place(launch: Launch, tmp_path: Path) -> None:
    first = bill.lines(400)
    restated = [{**line, "BilledCost": "0.123456789"} if number % 7 == 0 else line for number, line in enumerate(first)]
    restated = restated[:-3]
    system = launch()
    file = bill.write(tmp_path / "november.csv", first)
    system.run("import-billing", str(file))
    await until_billed(system, first)
    for basis, column in (("effective", "EffectiveCost"), ("list", "ListCost")):
        assert system.costs("tenant", source="billing", basis=basis) == bill.by_tenant(first, column)
    credited = [line for line in first if line["ChargeCategory"] == "Credit"]
    assert system.costs("tenant", source="billing", charge_category="credit") == bill.by_tenant(credited)

    system.run("import-billing", str(file))
    bill.write(file, restated)
    system.run("import-billing", str(file))
    await until_billed(system, restated)
    bill.write(file, first)
    system.run("import-billing", str(file))
    system.run("import-billing", str(bill.write(tmp_path / "december.csv", restated[:1])))
    await until_billed(system, [*restated, *restated[:1]])


async def test_a_bill_under_another_name_is_told_of_and_can_be_taken_back(launch: Launch, tmp_path: Path) -> None:
    lines = bill.lines(60)
    system = launch()
    system.run("import-billing", str(bill.write(tmp_path / "november.csv", lines)))
    await until_billed(system, lines)
    again = bill.write(tmp_path / "november (1).csv", lines[:40])
    assert "told by november.csv, too" in system.run("import-billing", str(again), errors=True)
    await until_billed(system, [*lines, *lines[:40]])
    listed = json.loads(system.run("bills", "--json"))
    assert [(each["file"], each["rows"]) for each in listed] == [("november (1).csv", 40), ("november.csv", 60)]
    system.run("withdraw-bill", "november (1).csv")
    await until_billed(system, lines)
    assert "replaced or taken back" in system.run("import-billing", str(again), errors=True)
    await until_billed(system, lines)


async def test_a_purchase_is_spread_over_its_term_until_an_edition_tells_its_effective_cost(
    launch: Launch, tmp_path: Path
) -> None:
    usage_lines = bill.lines(40)
    bought = usage_lines[1] | {
        "BilledCost": "100",
        "EffectiveCost": "",
        "ChargeCategory": "Purchase",
        "ChargePeriodStart": "2026-11-02T00:00:00Z",
        "ChargePeriodEnd": "2026-11-05T00:00:00Z",
        "Tags": '{"tenant": "acme"}',
    }
    system = launch()
    system.run("import-billing", str(bill.write(tmp_path / "november.csv", [*usage_lines, bought])))
    await until_billed(system, [*usage_lines, bought])

    def days(basis: str) -> dict[str, Decimal]:
        asked = {"start": "2026-11-01T00:00:00Z", "end": "2026-11-10T00:00:00Z", "granularity": "day"}
        body = system.get("/costs", asked | {"source": "billing", "basis": basis, "charge_category": "purchase"})
        amounts = {group["start"][:10]: Decimal(group["amount"]) for group in body["groups"]}
        return {day: amount for day, amount in amounts.items() if amount}

    thirds = ("33.333333333334", "33.333333333333", "33.333333333333")
    spread = dict(zip(("2026-11-02", "2026-11-03", "2026-11-04"), map(Decimal, thirds), strict=True))
    await eventually(asking(lambda: days("effective")), lambda found: found == spread)
    assert days("billed") == {"2026-11-02": 100}

    amortised = bought | {"EffectiveCost": "40"}
    system.run("import-billing", str(bill.write(tmp_path / "november.csv", [*usage_lines, amortised])))
    await eventually(asking(lambda: days("effective")), lambda found: found == {"2026-11-02": 40})
    assert days("billed") == {"2026-11-02": 100}


async def test_a_purchase_of_azure_is_spread_where_no_amortised_export_tells_the_day(
    launch: Launch, tmp_path: Path
) -> None:
    reserved = AZURE | {"BillingCurrency": "USD", "PricingModel": "Reservation", "ReservationId": "r", "Term": "1"}
    november = reserved | {"BillingPeriodStartDate": "11/01/2026", "BillingPeriodEndDate": "11/30/2026"}
    december = reserved | {"BillingPeriodStartDate": "12/01/2026", "BillingPeriodEndDate": "12/31/2026"}
    system = launch()

    def days() -> dict[str, Decimal]:
        asked = {"start": "2026-11-28T00:00:00Z", "end": "2026-12-04T00:00:00Z", "granularity": "day"}
        body = system.get("/costs", asked | {"source": "billing", "basis": "effective"})
        return {group["start"][:10]: Decimal(group["amount"]) for group in body["groups"]}

    bought = november | {"Date": "11/29/2026", "ChargeType": "Purchase", "CostInBillingCurrency": "30"}
    spread = dict.fromkeys(("2026-11-29", "2026-11-30", "2026-12-01", "2026-12-02", "2026-12-03"), Decimal(1))
    system.run("import-billing", str(bill.write(tmp_path / "actual.csv", [bought])))
    await eventually(asking(days), lambda found: found == spread)

    used = december | {"Date": "12/02/2026", "CostInBillingCurrency": "7"}
    system.run("import-billing", str(bill.write(tmp_path / "amortised.csv", [used])))
    await eventually(asking(days), lambda found: found == spread | {"2026-12-02": 7})


async def test_the_best_figure_is_the_bill_where_it_is_complete_and_the_meter_elsewhere(
    launch: Launch, tmp_path: Path
) -> None:
    billed = bill.lines(60, days=2)
    calls = [
        usage.event(
            f"hours-{day}",
            at=bill.BEGIN + timedelta(days=day, hours=5),
            resource_type="compute.gpu_hours",
            units="2",
            attributes={"provider": "aws"},
        )
        for day in range(4)
    ]
    price = '[[prices]]\nresource_type = "compute.gpu_hours"\nprovider = "aws"\nprice = "3.5"\nunit = "gpu_hour"\n'
    price += 'effective_from = "2020-01-01"\n'
    system = launch(config=price)
    await system.broker.produce(calls)
    await system.until_total(Decimal(28), source="best")
    system.run("import-billing", str(bill.write(tmp_path / "bill.csv", billed)))
    await until_billed(system, billed)
    # Two days are settled by the bill; the meter tells the two after them.
    assert system.total(source="best") == sum(bill.by_tenant(billed).values(), Decimal(0)) + 14
    assert system.total(source="metered") == Decimal(28)
    (complete,) = system.get("/costs")["completeness"]["billed"]
    assert complete == {"provider": "aws", "complete_until": "2026-11-03T00:00:00Z"}


async def test_a_worker_killed_in_the_midst_of_an_import_changes_nothing(launch: Launch, tmp_path: Path) -> None:
    lines = bill.lines(ROWS)
    system = launch()
    file = bill.write(tmp_path / "bill.csv", lines)
    importing = asyncio.create_task(asyncio.to_thread(system.run, "import-billing", str(file)))
    for _ in range(3):
        await asyncio.sleep(0.7)  # somewhere in its midst: where does not matter
        # Asked for before, not after: what was killed may be listed for a moment yet, and its successor not.
        await eventually(asking(lambda: system.children("worker")), bool)
        system.signal("worker", signal.SIGKILL)
    await importing
    await until_billed(system, lines)
    system.run("import-billing", str(file))
    assert await asyncio.to_thread(system.costs, "tenant", source="billing") == bill.by_tenant(lines)


async def test_a_charge_from_elsewhere_counts_at_once_and_once(launch: Launch) -> None:
    line = bill.lines(1)[0]
    data = {**line, "BilledCost": 12.5, "Tags": {"team": "search", "customer": "acme"}}
    delta = {**usage.event("charge-1"), "type": "costguard.billing.delta", "data": data}
    nonsense = {**delta, "id": "charge-2", "data": {**data, "ChargeCategory": "Nonsense"}}
    system = launch()
    await system.broker.produce([delta, nonsense, delta], topic="billing-deltas")
    await eventually(
        asking(lambda: system.costs("tenant", "team", source="billing")),
        lambda found: found == {("acme", "search"): Decimal("12.5")},
    )
    letters = await system.broker.read("dead-letter")
    assert ["ChargeCategory" in letter["data"]["reason"] for letter in letters] == [True]


async def test_bills_in_a_folder_are_imported_by_themselves_and_restatements_follow(
    launch: Launch, tmp_path: Path
) -> None:
    first = bill.lines(60)
    restated = [{**line, "BilledCost": "0.5"} for line in first]
    folder = tmp_path / "bills"
    folder.mkdir()
    bill.write(folder / "november.csv", first)
    system = launch(config=f'[billing]\nfolders = ["{folder}"]\n')
    await until_billed(system, first)
    assert len(system.children("importer")) == 1
    bill.write(folder / "november.csv", restated)
    # It looks again in six hours, or when it starts.
    system.signal("importer", signal.SIGTERM)
    await until_billed(system, restated)
    log = (system.directory / "var/logs/importer.log").read_text()
    assert "Traceback" not in log, "to be told to stop is no error"
