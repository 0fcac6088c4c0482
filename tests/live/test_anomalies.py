"""Weeks of spend with one thing wrong in them: found, told once, explained, and the same after a crash."""

from __future__ import annotations

import math
import random
import signal
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import httpx

from tests.live import usage
from tests.live.waiting import asking, eventually

if TYPE_CHECKING:
    from tests.live.conftest import Launch
    from tests.live.receiver import Receiver
    from tests.live.system import System

DETECTED = "costguard.anomaly.detected"
CONFIG = '[[prices]]\nresource_type = "compute.requests"\nprice = "0.25"\nunit = "request"\n\n'
BEGIN = datetime(2026, 8, 31, tzinfo=UTC)
DAYS = 18
WRONG = 16 * 24 + 10
SCOPES = [(tenant, feature) for tenant in ("acme", "hooli", "initech") for feature in ("search", "chat")]


def hour_of(hour: int, factor: float = 1.0) -> list[usage.Event]:
    """Return an hour of everybody's requests; acme's search is `factor` times as busy when it is wrong."""
    events = []
    for tenant, feature in SCOPES:
        rng = random.Random(f"{tenant}{feature}{hour}")  # noqa: S311 - a series, not a secret
        weekend = 0.5 if hour // 24 % 7 >= 5 else 1.0
        units = 40 * weekend * (1.5 + math.sin(hour / 12 * math.pi)) * rng.uniform(0.95, 1.05)
        if (tenant, feature) == ("acme", "search") and hour in (WRONG, WRONG + 1):
            units *= factor
        events += [
            usage.event(
                f"{tenant}-{feature}-{hour}-{part}",
                at=BEGIN + timedelta(hours=hour, minutes=7 + 20 * part),
                tenant=tenant,
                feature=feature,
                resource_type="compute.requests",
                units=f"{units / 2:.3f}",
            )
            for part in range(2)
        ]
    return events


def history(days: int, factor: float = 1.0) -> list[usage.Event]:
    return [event for hour in range(days * 24) for event in hour_of(hour, factor)]


def listed(system: System) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = system.get("/anomalies")["anomalies"]
    return found


async def test_a_spike_is_found_once_and_survives_a_kill(launch: Launch, receiver: Receiver) -> None:
    system = launch(config=CONFIG + receiver.config(DETECTED))
    await system.broker.produce(history(DAYS, factor=5.0))
    (found,) = await eventually(
        asking(lambda: listed(system)),
        lambda seen: any(each["status"] == "closed" for each in seen),
        seconds=90,
    )
    assert (found["scope"]["tenant"], found["scope"]["feature"], found["direction"]) == ("acme", "search", "above")
    assert found["since"] == "2026-09-16T10:00:00Z"
    terms = sum((Decimal(term) for term in found["decomposition"].values()), Decimal(0))
    assert terms == Decimal(found["actual"]) - Decimal(found["expected"])
    await eventually(asking(lambda: len(receiver.messages)), lambda count: count >= 1)

    system.signal("worker", signal.SIGKILL)
    await system.broker.produce(history(DAYS, factor=5.0))
    more = [event for hour in range(DAYS * 24, DAYS * 24 + 30) for event in hour_of(hour)]
    await system.broker.produce(more)
    await eventually(asking(lambda: newest_hour(system)), lambda hour: hour >= "2026-09-19T00:00:00Z", seconds=90)
    assert [each["anomaly_id"] for each in listed(system)] == [found["anomaly_id"]]
    assert {event["id"] for event in await told(system)} == {found["anomaly_id"]}
    assert [body["id"] for _, body in receiver.messages] == [found["anomaly_id"]]


async def test_feedback_no_ends_an_anomaly(launch: Launch) -> None:
    system = launch(config=CONFIG)
    await system.broker.produce([event for event in history(DAYS, factor=5.0) if not after(event, WRONG + 4)])
    (found,) = await eventually(asking(lambda: listed(system)), bool, seconds=90)
    answer = system.request("POST", f"/anomalies/{found['anomaly_id']}/feedback", json={"verdict": "no"})
    assert answer.status_code == httpx.codes.OK, answer.text
    assert (answer.json()["status"], answer.json()["closed"]["reason"]) == ("closed", "dismissed")
    picture = system.request("GET", f"/anomalies/{found['anomaly_id']}.svg")
    assert picture.text.startswith("<svg")


def after(event: usage.Event, hour: int) -> bool:
    return datetime.fromisoformat(event["time"]) >= BEGIN + timedelta(hours=hour)


async def told(system: System) -> list[dict[str, Any]]:
    return [event for event in await system.broker.read("anomaly-detected") if event["type"] == DETECTED]


def newest_hour(system: System) -> str:
    """Return the newest hour that was judged, as the metrics tell."""
    newest: str = max(
        (line.rsplit(maxsplit=1)[-1] for line in metrics(system) if line.startswith("costguard_anomaly_newest_hour")),
        default="0",
    )
    return datetime.fromtimestamp(float(newest), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def metrics(system: System) -> list[str]:
    return system.request("GET", "/metrics").text.splitlines()
