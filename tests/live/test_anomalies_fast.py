"""Ten days of busy traffic, then four things go wrong at once: each is told within half an hour of data, and once."""

from __future__ import annotations

import math
import random
import signal
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from tests.live import usage
from tests.live.waiting import asking, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.live.conftest import Launch
    from tests.live.system import System

BEGIN: Final = datetime(2026, 8, 31, tzinfo=UTC)  # a Monday
WINDOW: Final = timedelta(minutes=5)
WRONG: Final = BEGIN + timedelta(days=10, hours=13, minutes=10)
HALF_AN_HOUR: Final = timedelta(minutes=30)
EVENTS: Final = 12  # in five minutes
# By tenant: what it uses, and how many times as much once it is wrong.
TENANTS: Final = {
    "acme": ("compute.requests", 4.0),
    "hooli": ("storage.requests", 0.0),
    "initech": ("network.requests", 1.0),
    "umbrella": ("third_party.requests", 2.0),
}
CONFIG: Final = "".join(
    f'[[prices]]\nresource_type = "{meter}"\nprice = "0.05"\nunit = "request"\n\n' for meter, _ in TENANTS.values()
) + (
    '[[prices]]\nresource_type = "network.requests"\nprice = "0.06"\nunit = "request"\n'
    f'effective_from = "{WRONG.isoformat().replace("+00:00", "Z")}"\n'
)


def traffic(start: datetime, end: datetime) -> Iterator[usage.Event]:
    """Yield everybody's requests between two instants; from `WRONG` on some are not as they were."""
    at = start
    while at < end:
        day = (at - BEGIN) / timedelta(days=1)
        rhythm = (0.5 if int(day) % 7 >= 5 else 1.0) * (1.5 + math.sin(day * 2 * math.pi))
        for tenant, (meter, factor) in TENANTS.items():
            wrong = factor if at >= WRONG else 1.0
            for number in range(EVENTS if wrong else 0):
                rng = random.Random(f"{tenant}{at}{number}")  # noqa: S311 - traffic, not a secret
                yield usage.event(
                    f"{tenant}-{at:%d%H%M}-{number}",
                    at=at + number * WINDOW / EVENTS,
                    tenant=tenant,
                    feature="search",
                    resource_type=meter,
                    units=f"{rhythm * rng.uniform(0.7, 1.3) * wrong:.3f}",
                )
        at += WINDOW


async def test_what_goes_wrong_is_told_within_half_an_hour_of_data_and_once(launch: Launch) -> None:
    system = launch(config=CONFIG)
    await system.broker.produce(list(traffic(BEGIN, WRONG)))
    await judged_up_to(system, WRONG - timedelta(hours=1))
    assert found(system) == {}

    await system.broker.produce(list(traffic(WRONG, WRONG + HALF_AN_HOUR)))
    seen = await eventually(asking(lambda: found(system)), lambda seen: len(seen) == len(TENANTS), seconds=90)
    kinds = {tenant: each["kind"] for tenant, each in seen.items()}
    assert kinds == {"acme": "spike", "hooli": "stopped", "initech": "unit-cost", "umbrella": "spike"}
    for each in seen.values():
        since = datetime.fromisoformat(each["since"])
        assert abs(since - WRONG) <= 2 * WINDOW, each
        terms = sum((Decimal(term) for term in each["decomposition"].values()), Decimal(0))
        assert terms == Decimal(each["actual"]) - Decimal(each["expected"]) == Decimal(each["difference"])
    assert seen["initech"]["suspected_driver"] == "price"

    system.signal("worker", signal.SIGKILL)
    await system.broker.produce(list(traffic(WRONG + HALF_AN_HOUR, WRONG + timedelta(hours=9))))
    await judged_up_to(system, WRONG + timedelta(hours=7))
    assert {tenant: each["anomaly_id"] for tenant, each in found(system).items()} == {
        tenant: each["anomaly_id"] for tenant, each in seen.items()
    }
    told = [event for event in await system.broker.read("anomaly-detected") if event["type"].endswith(".detected")]
    assert sorted({event["id"] for event in told}) == sorted(each["anomaly_id"] for each in seen.values())


async def judged_up_to(system: System, until: datetime) -> None:
    text = until.isoformat().replace("+00:00", "Z")
    await eventually(
        asking(lambda: system.get("/anomalies")["judged_until"] or ""), lambda judged: judged >= text, seconds=180
    )


def found(system: System) -> dict[str, Any]:
    """Return anomalies by tenant; each must name one."""
    listed: list[dict[str, Any]] = system.get("/anomalies")["anomalies"]
    by_tenant = {each["scope"]["tenant"]: each for each in listed}
    assert len(by_tenant) == len(listed), listed
    return by_tenant
