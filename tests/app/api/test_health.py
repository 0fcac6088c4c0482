"""`GET /readyz`: ready only when every partition has an owner that is alive and recovered."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from app.access_tokens import Token
from tests.app.api.fakes import NOW, TOPICS, World, worker


@pytest.fixture
def world() -> World:
    world = World()
    world.view.show("workers", **{"worker-0": worker(), "effects-0": worker("effects")})
    return world


async def readiness(world: World) -> tuple[int, dict[str, Any]]:
    async with world.client() as client:
        answer = await client.get("/readyz")
    return answer.status_code, answer.json()


async def test_ready_tells_engines_workers_and_lag(world: World) -> None:
    lag = {TOPICS.usage_metered: 7}
    world.view.show("workers", **{"worker-0": worker(lag=lag)})
    status, body = await readiness(world)
    assert (status, body["ready"], body["broker"], body["redis"]) == (200, True, "ok", "ok")
    assert body["lag"][TOPICS.usage_metered] == 7
    assert set(body["workers"]) == {"worker-0", "effects-0"}
    assert body["missing"] == {}


async def test_two_workers_cover_the_partitions_together(world: World) -> None:
    halves = [{topic: [n] for topic in worker()["partitions"]} for n in (0, 1)]
    world.view.show("workers", **{f"worker-{n}": worker(partitions=half) for n, half in enumerate(halves)})
    assert (await readiness(world))[0] == 200
    world.view.show("workers", **{"worker-1": worker(partitions=halves[1], ready=False)})
    status, body = await readiness(world)
    assert status == 503
    assert body["missing"][TOPICS.usage_metered] == [1]


@pytest.mark.parametrize("name", ["worker-0", "effects-0"])
@pytest.mark.parametrize("change", [{"at": NOW - 10}, {"ready": False}, {"partitions": {}}])
async def test_a_process_that_is_silent_unready_or_empty_handed_is_missing(
    world: World, name: str, change: dict[str, Any]
) -> None:
    world.view.show("workers", **{name: worker(name.partition("-")[0], **change)})
    status, body = await readiness(world)
    assert (status, body["ready"]) == (503, False)
    assert body["missing"]


async def test_an_engine_that_is_away_is_named(world: World) -> None:
    world.broker_up = False
    assert (await readiness(world))[1] | {"workers": 0, "lag": 0} == {
        "ready": False, "broker": "down", "redis": "ok", "workers": 0, "missing": {}, "lag": 0,
    }  # fmt: skip
    world.view.away = True
    status, body = await readiness(world)
    assert (status, body["broker"], body["redis"]) == (503, "down", "down")


async def test_probes_need_no_token_and_healthz_needs_nothing(world: World) -> None:
    world.tokens = (Token("t", "0123456789abcdef", None, frozenset({"read"})),)
    world.view.away, world.broker_up = True, False
    async with world.client() as client:
        assert (await client.get("/healthz")).status_code == httpx.codes.OK
        assert (await client.get("/readyz")).status_code == httpx.codes.SERVICE_UNAVAILABLE
