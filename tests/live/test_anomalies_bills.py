"""A month's bill through the whole system: an odd day is told once, and ended by the restatement that explains it."""

from __future__ import annotations

import signal
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.live import bill
from tests.live.waiting import asking, eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.live.bill import Line
    from tests.live.conftest import Launch
    from tests.live.system import System

DAYS = 24
WRONG = 20


def month(factor: float) -> list[Line]:
    """Return two services a day, with a quantity each; one of them `factor` times as used on the wrong day."""
    (line,) = bill.lines(1, days=1)
    found = []
    for day in range(DAYS):
        start = bill.BEGIN + timedelta(days=day)
        for category, service in bill.SERVICES:
            usual = Decimal(100 + day * 7 % 5)
            units = usual * Decimal(str(factor)) if day == WRONG and category == "Compute" else usual
            found.append(
                line
                | {
                    "ChargePeriodStart": f"{start:%Y-%m-%dT%H:%M:%SZ}",
                    "ChargePeriodEnd": f"{start + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}",
                    "ChargeCategory": "Usage",
                    "SubAccountId": "one",
                    "ServiceCategory": category,
                    "ServiceName": service,
                    "SkuId": category.lower(),
                    "PricingQuantity": f"{units}",
                    "PricingUnit": "Hours",
                    **{f"{basis}Cost": f"{units / 2}" for basis in ("Billed", "Effective", "List", "Contracted")},
                }
            )
    return found


def listed(system: System, **asked: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = system.get("/anomalies", asked)["anomalies"]
    return found


async def test_an_odd_day_of_a_bill_is_told_once_and_a_restatement_ends_it(launch: Launch, tmp_path: Path) -> None:
    system = launch()
    file = bill.write(tmp_path / "november.csv", month(3.0))
    system.run("import-billing", str(file))
    (found,) = await eventually(asking(lambda: listed(system)), bool, seconds=90)
    assert (found["source"], found["kind"], found["suspected_driver"]) == ("billed", "spike", "volume")
    assert found["scope"] == {"account": "one", "service_name": "Amazon Elastic Compute Cloud"}
    assert found["since"] == f"2026-11-{WRONG + 1}T00:00:00Z"
    terms = sum((Decimal(term) for term in found["decomposition"].values()), Decimal(0))
    assert terms == Decimal(found["actual"]) - Decimal(found["expected"])
    assert found["anomaly_id"] in system.run("anomalies", "--json")
    assert "Amazon Elastic Compute Cloud" in system.run("anomalies", found["anomaly_id"])
    assert system.request("GET", f"/anomalies/{found['anomaly_id']}.svg").text.startswith("<svg")

    system.signal("worker", signal.SIGKILL)
    system.run("import-billing", str(bill.write(file, month(1.0))))
    (corrected,) = await eventually(asking(lambda: listed(system, status="corrected")), bool, seconds=90)
    assert corrected["anomaly_id"] == found["anomaly_id"]
    assert listed(system) == []
    told = [event for event in await system.broker.read("anomaly-detected") if event["type"].endswith(".detected")]
    assert {event["id"] for event in told} == {found["anomaly_id"]}
