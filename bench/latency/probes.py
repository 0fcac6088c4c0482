"""Probes: single events of tenants that have nothing else, each with a budget that its one event exhausts.

A probe's clock starts just before its event is handed to the Kafka client. It stops twice: when an answer of
`GET /costs` with the tenant's cost has arrived (asked for all open probes at once, 50 ms after the last answer, so that
half of this and of an answer's time are the asking), and when the record of `flag-changed` with the tenant's flag has
arrived here.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Self

import httpx
import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.live.system import System

POLL_SECONDS: Final = 0.05
PATIENCE_SECONDS: Final = 120.0
VARIANT: Final = "throttled"
# As many values as the API takes for one filter.
ASKED_AT_ONCE: Final = 50


@dataclass
class Times:
    """When each probe was sent, seen in `GET /costs`, and seen to switch its flag (seconds of one clock).

    `asking` holds how long each answer of `GET /costs` took.
    """

    sent: dict[str, float] = field(default_factory=dict)
    visible: dict[str, float] = field(default_factory=dict)
    switched: dict[str, float] = field(default_factory=dict)
    asking: list[float] = field(default_factory=list)

    def delays(self, seen: dict[str, float]) -> list[float]:
        """Return how long it took from being sent to being seen."""
        return [seen[name] - self.sent[name] for name in self.sent if name in seen]

    def open(self) -> list[str]:
        """Return the probes that are not seen in both ways, oldest first."""
        return [name for name in self.sent if name not in self.visible or name not in self.switched]


class Prober:
    """Sends probes into a running system and watches for them; an asynchronous context."""

    def __init__(self, system: System) -> None:
        self._prefix = system.broker.prefix
        self._api = httpx.AsyncClient(base_url=system.api, timeout=30)
        self._producer = AIOKafkaProducer(bootstrap_servers=system.broker.bootstrap, acks="all")
        self._flags = AIOKafkaConsumer(f"{self._prefix}flag-changed", bootstrap_servers=system.broker.bootstrap)
        self._times = Times()

    async def __aenter__(self) -> Self:
        await self._producer.start()
        await self._flags.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._api.aclose()
        await self._flags.stop()
        await self._producer.stop()

    async def probe(self, names: Sequence[str], *, seconds: float) -> Times:
        """Send one event for each name, spread over so many seconds; return once all are seen, or time is up.

        The budgets have to be set.
        """
        self._times = times = Times()
        watching = [asyncio.create_task(task) for task in (self._watch_costs(), self._watch_flags())]
        try:
            for name in names:
                times.sent[name] = time.perf_counter()
                await self._producer.send(f"{self._prefix}usage-metered", _event(name), key=name.encode())
                await asyncio.sleep(seconds / len(names))
            await self._until_seen()
        finally:
            for task in watching:
                task.cancel()
        return times

    async def set_budgets(self, names: Sequence[str]) -> None:
        """Give each tenant a budget that is spent at once."""
        for name in names:
            flags = [{"key": name, "at": 0.85, "variant": VARIANT}]
            response = await self._api.put(
                f"/budgets/tenant={name}", json={"limit": "0.000001", "period": "month", "flags": flags}
            )
            response.raise_for_status()

    async def delete_budgets(self, names: Sequence[str]) -> None:
        """Take the budgets away, so that the next probes meet as few."""
        for name in names:
            (await self._api.delete(f"/budgets/tenant={name}")).raise_for_status()

    async def until_idle(self) -> None:
        """Return once the workers have caught up."""
        while any((await self._api.get("/readyz")).json()["lag"].values()):  # noqa: ASYNC110 - nobody tells us when
            await asyncio.sleep(0.5)

    async def _until_seen(self) -> None:
        end = time.monotonic() + PATIENCE_SECONDS
        while self._times.open() and time.monotonic() < end:  # noqa: ASYNC110 - two watchers see it
            await asyncio.sleep(POLL_SECONDS)

    async def _watch_costs(self) -> None:
        while True:
            asked = [name for name in self._times.open() if name not in self._times.visible][:ASKED_AT_ONCE]
            if asked:
                begun = time.perf_counter()
                seen = await self._costing(asked)
                answered = time.perf_counter()
                self._times.visible |= dict.fromkeys(seen, answered)
                self._times.asking.append(answered - begun)
            await asyncio.sleep(POLL_SECONDS)

    async def _costing(self, names: list[str]) -> list[str]:
        # Wide enough for a backlog of minutes, and no wider: the API adds up every minute of it.
        start = (datetime.now(UTC) - timedelta(minutes=3)).strftime("%Y-%m-%dT%H:%M:00Z")
        answer = await self._api.get("/costs", params={"start": start, "group_by": "tenant", "tenant": names})
        answer.raise_for_status()
        return [group["key"]["tenant"] for group in answer.json()["groups"]]

    async def _watch_flags(self) -> None:
        async for record in self._flags:
            change: dict[str, Any] = orjson.loads(record.value or b"{}").get("data", {})
            if change.get("variant") == VARIANT and change["key"] in self._times.sent:
                self._times.switched.setdefault(change["key"], time.perf_counter())


def _event(name: str) -> bytes:
    event = {
        "specversion": "1.0",
        "id": name,
        "source": "/bench/probe",
        "type": "costguard.usage.metered",
        "time": datetime.now(UTC).isoformat(),
        "data": {
            "tenant": name, "environment": "production", "feature": "probe", "service": "probe", "team": "probe",
            "resource_type": "compute.cpu_seconds", "units": 3600,
        },
    }  # fmt: skip
    return orjson.dumps(event)
