"""One run: traffic at speed, a fault that strikes several times in its midst, and the account of it afterwards."""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import httpx

from app.adapters.bulk_producer import BulkProducer
from tests.live.chaos.oracle import Cell, Cost
from tests.live.chaos.traffic import BEGIN
from tests.live.waiting import asking, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.live.chaos.cluster import Cluster
    from tests.live.chaos.faults import Fault
    from tests.live.chaos.oracle import Expected
    from tests.live.chaos.traffic import Record
    from tests.live.system import System

AT_ONCE: Final = 2_000
# Generous: an outage, a restart with back-off and a recovery may come together on a busy machine.
PATIENCE: Final = 240.0
# All of the traffic; hours are asked for within bounds.
PERIOD: Final = {"start": "2026-10-28T00:00:00Z", "end": "2026-11-05T00:00:00Z"}
# Sends an event to each partition after a fault; its cost is left out of the account.
PROBE: Final = "probe"
DIMENSIONS: Final = "tenant,environment,feature,service,team,driver"


@dataclass
class Outcome:
    """What a run came to.

    `recoveries` are seconds from the end of each fault until events that were sent then are visible; `peak_mb` is the
    most memory that a worker held that lived to the end.
    """

    fault: str
    times: int
    events: int = 0
    lost: int = 0
    double: int = 0
    recoveries: list[float] = field(default_factory=list)
    crossings: frozenset[str] = frozenset()
    peak_mb: int = 0


async def endure(
    system: System, cluster: Cluster | None, fault: Fault, records: Sequence[Record], expected: Expected
) -> Outcome:
    """Send all records while the fault strikes; return the account once the figures are right."""
    outcome = Outcome(fault.name, fault.times, expected.events)
    chance = random.Random(fault.name)  # noqa: S311 - the same points each time
    producer = BulkProducer(system.broker.bootstrap, f"{system.broker.prefix}usage-metered")
    await producer.start()
    try:
        for number, part in enumerate(_parts(records, fault.times + 1)):
            sending = asyncio.create_task(_send(producer, part))
            if number < fault.times:
                await _until_more(system, int(len(part) * chance.uniform(0.05, 0.9)) if number else 1)
                await fault.strike(system, cluster)
                outcome.recoveries.append(await _recovered(system, number))
            await sending
    finally:
        await producer.stop()
    await eventually(asking(lambda: _total(system)), lambda total: total == expected.total, seconds=PATIENCE)
    outcome.peak_mb = max(map(system.peak_mb, system.children("worker")))
    _account(system, expected, outcome)
    return outcome


def _parts(records: Sequence[Record], count: int) -> Iterator[Sequence[Record]]:
    size = -(-len(records) // count)
    for at in range(0, len(records), size):
        yield records[at : at + size]


async def _send(producer: BulkProducer, records: Sequence[Record]) -> None:
    for at in range(0, len(records), AT_ONCE):
        await producer.send(records[at : at + AT_ONCE])
    await producer.flush()


async def _until_more(system: System, events: int) -> None:
    """Return once so many more events are visible, or all that was sent: the fault strikes amid the work."""
    before = await asyncio.to_thread(_seen, system)
    await eventually(asking(lambda: _seen(system)), lambda seen: seen >= before + events * 3 // 4, seconds=PATIENCE)


async def _recovered(system: System, strikes: int) -> float:
    """Return how long it takes until an event that is sent now, one to each partition, is visible.

    After so many earlier strikes: what was sent after them is known, and need not be visible yet.
    """
    began = time.monotonic()
    partitions = await system.broker.partitions()
    for partition in partitions:
        await system.broker.produce([_probe(f"{strikes}-{partition}")], partition=partition)
    probed = asking(lambda: _seen(system, tenant=PROBE))
    await eventually(probed, lambda seen: seen == (strikes + 1) * len(partitions), seconds=PATIENCE)
    return time.monotonic() - began


def _probe(identifier: str) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": identifier,
        "source": "/probe",
        "type": "costguard.usage.metered",
        "time": BEGIN.isoformat(),
        "data": {"tenant": PROBE, "resource_type": "compute.cpu_seconds", "units": 1},
    }


def _total(system: System) -> Decimal | None:
    body = _costs(system, group_by="tenant")
    groups = [] if body is None else body["groups"]
    return sum((Decimal(group["amount"]) for group in groups if group["key"]["tenant"] != PROBE), Decimal(0))


def _seen(system: System, **filters: str) -> int:
    body = _costs(system, group_by="driver", **filters)
    return 0 if body is None else sum(group["events"] for group in body["groups"])


def _costs(system: System, **parameters: str) -> dict[str, Any] | None:
    """Ask; None while the API cannot answer because its Redis is away."""
    try:
        response = system.request("GET", "/costs", params=PERIOD | parameters)
    except httpx.HTTPError:
        return None
    body: dict[str, Any] | None = response.json() if response.status_code == httpx.codes.OK else None
    return body


def cells(system: System) -> dict[Cell, Cost]:
    """Return what the API says, by scope, driver and hour."""
    body = system.get("/costs", PERIOD | {"group_by": DIMENSIONS, "granularity": "hour"})
    return {
        Cell(**group["key"], hour=group["start"]): Cost(Decimal(group["amount"]), group["events"])
        for group in body["groups"]
        if group["key"]["tenant"] != PROBE
    }


def _account(system: System, expected: Expected, outcome: Outcome) -> None:
    found = cells(system)
    differences: defaultdict[Cell, int] = defaultdict(int)
    for cell, cost in expected.cells.items():
        differences[cell] -= cost.events
    for cell, cost in found.items():
        differences[cell] += cost.events
    outcome.lost = -sum(difference for difference in differences.values() if difference < 0)
    outcome.double = sum(difference for difference in differences.values() if difference > 0)
    assert found == expected.cells
