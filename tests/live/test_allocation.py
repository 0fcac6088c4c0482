"""Shared cost by usage, live: a bill and the usage that drives it come in any order, late, and restated."""

from __future__ import annotations

import json
import signal
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.live import bill, usage
from tests.live.waiting import asking, eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.live.conftest import Launch
    from tests.live.system import System

RULES = """
[[allocation]]
id = "platform"
version = 2
driver = "requests"
select = { service = "platform", source = "billed" }

[[allocation]]
id = "the credits are finance's"
driver = "weights"
weights = { "team=finance" = 1 }
to = "team"
select = { category = "credit", team = "unattributed" }
"""


def shared(amount: str, *, day: int = 0) -> bill.Line:
    start = bill.BEGIN + timedelta(days=day)
    return bill.lines(2)[1] | {
        "BilledCost": amount,
        "ChargePeriodStart": f"{start:%Y-%m-%dT%H:%M:%SZ}",
        "ChargePeriodEnd": f"{start + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}",
        "Tags": '{"service": "platform"}',
    }


def requests(identifier: str, tenant: str, units: int, *, day: int = 0) -> dict[str, Any]:
    at = bill.BEGIN + timedelta(days=day, hours=7)
    return usage.event(identifier, at=at, tenant=tenant, resource_type="compute.requests", units=str(units))


async def until_borne(system: System, **expected: str) -> None:
    wanted = {(tenant,): Decimal(amount) for tenant, amount in expected.items()}

    def borne() -> dict[tuple[str, ...], Decimal]:
        found = system.costs("tenant", source="billing", service="platform", allocation="rules")
        return {tenant: amount for tenant, amount in found.items() if amount}

    await eventually(asking(borne), lambda found: found == wanted)


async def test_shared_cost_follows_usage_late_usage_and_restatements(launch: Launch, tmp_path: Path) -> None:
    system = launch(config=RULES)
    file = bill.write(tmp_path / "platform.csv", [shared("90.00"), shared("10.00", day=1)])
    system.run("import-billing", str(file))
    await until_borne(system, unattributed="100")
    await system.broker.produce([requests("a", "acme", 1), requests("b", "globex", 2), requests("c", "acme", 5, day=1)])
    await until_borne(system, acme="40", globex="60")
    await system.broker.produce([requests("late", "acme", 1), requests("late", "acme", 1)])
    await until_borne(system, acme="55", globex="45")
    bill.write(file, [shared("60.00"), shared("10.00", day=1)])
    system.run("import-billing", str(file))
    await until_borne(system, acme="40", globex="30")
    rows = system.get("/allocations", {"source": "billing"})["allocations"]
    assert [(row["scope"]["tenant"], row["amount"], row["AllocatedMethodId"]) for row in rows] == [
        ("acme", "30.00", "platform@2"),
        ("globex", "30.00", "platform@2"),
        ("acme", "10.00", "platform@2"),
    ]
    assert "platform@2" in system.run("allocations", "--source", "billed", "--window", "30d")


async def test_shared_cost_follows_the_users_that_usage_names(launch: Launch, tmp_path: Path) -> None:
    system = launch(config=RULES)
    system.run("import-billing", str(bill.write(tmp_path / "platform.csv", [shared("90.00")])))

    def named(identifier: str, tenant: str, user: str) -> dict[str, Any]:
        more = {"resource_type": "network.egress_gb", "units": "1", "attributes": {"user": user}}
        return usage.event(identifier, at=bill.BEGIN + timedelta(hours=7), tenant=tenant, **more)

    users = [("acme", "ann"), ("acme", "bob"), ("globex", "ann")]
    # Each of them in every partition, and again.
    for partition in await system.broker.partitions():
        lines = [named(f"{user}-{partition}-{n}", tenant, user) for tenant, user in users for n in (0, 1)]
        await system.broker.produce(lines, partition=partition)
    await until_borne(system, acme="60", globex="30")
    system.signal("worker", signal.SIGKILL)
    await system.broker.produce([named("late", "globex", "cyd")])
    await until_borne(system, acme="45", globex="45")
    activity = {"type": "costguard.tenant.activity", "data": {"tenant": "acme", "users": 7}}
    await system.broker.produce([usage.event("told", at=bill.BEGIN) | activity])
    await until_borne(system, acme="70", globex="20")


async def test_what_nobody_owns_is_listed_until_a_rule_says_whose_it_is(launch: Launch, tmp_path: Path) -> None:
    lines = bill.lines(120)
    credited = sum(Decimal(line["BilledCost"]) for line in lines if line["ChargeCategory"] == "Credit")
    total = sum(bill.by_tenant(lines).values(), Decimal(0))
    system = launch(config=RULES)
    system.run("import-billing", str(bill.write(tmp_path / "november.csv", lines)))
    await eventually(asking(lambda: system.total(source="billing")), lambda found: found == total)
    found = system.get("/remediation", {"source": "billing"})
    assert Decimal(found["unattributed"]) == total - credited
    assert sum(Decimal(each["amount"]) for each in found["findings"]) == total - credited
    assert {each["charge_category"] for each in found["findings"]} == {"usage"}
    drift = system.get("/reconciliation")
    assert Decimal(drift["billed"]) == total - credited
    assert Decimal(drift["metered"]) == 0
    assert all(line["complete"] for line in drift["lines"])
    by_sku = json.loads(system.run("reconcile", str(tmp_path / "november.csv"), "--json"))
    assert [by_sku[name] for name in ("metered", "billed", "lines")] == [
        drift[name] for name in ("metered", "billed", "lines")
    ]


async def test_resources_without_an_owner_are_named_once_with_who_may_own_them(launch: Launch, tmp_path: Path) -> None:
    named = {"ServiceCategory": "Compute", "ServiceName": "Amazon Elastic Compute Cloud", "ChargeCategory": "Usage"}
    alike = {"Tags": '{"stack": "feed"}'}
    lines = [
        line | named | {"BilledCost": cost, "ResourceId": resource} | tags
        for line, cost, resource, tags in zip(
            bill.lines(4),
            ("5.00", "1.25", "3.00", "0.75"),
            ("i-1", "i-2", "i-1", ""),
            (alike, {"Tags": '{"stack": "feed", "team": "core"}'}, alike, alike),
            strict=True,
        )
    ]
    system = launch()
    file = bill.write(tmp_path / "november.csv", lines)
    for _ in range(2):
        system.run("import-billing", str(file))
        await system.until_total(Decimal(10), source="billing")
        (found,) = system.get("/remediation", {"source": "billing"})["findings"]
        assert [(each["resource"], each["amount"]) for each in found["resources"]] == [("i-1", "8.00")]
        assert (found["amount"], found["other_resources"]) == ("8.75", "0.75")
        assert found["guess"] == {"owner": "core", "by": "tag", "share": "1.0000"}
        assert "i-1 (8.00 USD, probably core)" in found["ticket"]["description"]
    bill.write(file, [lines[0] | {"BilledCost": "9.00", "ResourceId": "i-7"}])
    system.run("import-billing", str(file))
    await system.until_total(Decimal(9), source="billing")
    (found,) = system.get("/remediation", {"source": "billing"})["findings"]
    assert [(each["resource"], each["amount"]) for each in found["resources"]] == [("i-7", "9.00")]
    assert "i-7" in system.run("remediation", "--source", "billed", "--window", "30d")
