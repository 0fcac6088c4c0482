"""The life of `costguard up`: one line when ready, clean end, state that outlives it on a real broker."""

from __future__ import annotations

import os
import signal
from decimal import Decimal
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.live import usage
from tests.live.waiting import asking, eventually

if TYPE_CHECKING:
    from tests.live.conftest import Launch
    from tests.live.engines import Engine


async def test_up_says_when_it_is_ready_and_sigterm_ends_everything_with_0(launch: Launch) -> None:
    system = launch()
    children = [pid for role in ("worker", "effects", "api") for pid in system.children(role)]
    assert len(children) == 3
    await eventually(asking((system.directory / "up.log").read_text), lambda text: "Ready: " in text)
    assert system.stop() == 0
    assert not any(_runs(pid) for pid in children)


async def test_a_killed_api_comes_back_with_the_same_figures(launch: Launch) -> None:
    system = launch(config=usage.CONFIG)
    call = usage.call("kept", 1000, 1000)
    await system.broker.produce([call])
    await system.until_total(usage.cost(call))
    killed = system.signal("api", signal.SIGKILL)
    await eventually(asking(lambda: killed not in system.children("api") and system.ready()), bool)
    assert system.total() == usage.cost(call)


async def test_a_fresh_system_tells_its_state_and_knows_no_budget(launch: Launch) -> None:
    system = launch()
    state = system.get("/readyz")
    assert (state["broker"], state["redis"], state["missing"]) == ("ok", "ok", {})
    assert sorted(worker["role"] for worker in state["workers"].values()) == ["effects", "worker"]
    assert set(state["lag"].values()) <= {0}

    answer = system.request("GET", "/budgets/tenant=nobody")
    assert answer.status_code == httpx.codes.NOT_FOUND
    assert answer.headers["content-type"].startswith("application/problem+json")


@pytest.mark.parametrize("engine", [pytest.param("kafka", marks=pytest.mark.kafka)], indirect=True)
async def test_state_outlives_up_on_a_real_broker(launch: Launch, engine: Engine) -> None:
    del engine
    events = usage.Trace(calls=5_000, seed=31).events()
    expected = sum(usage.costs(events, "tenant").values(), Decimal(0))
    system = launch(config=usage.CONFIG)
    await system.broker.produce(events[:3_000])
    await system.until_total(sum(usage.costs(events[:3_000], "tenant").values(), Decimal(0)))
    assert system.stop() == 0

    await system.broker.produce(events[2_000:])
    system.start()
    await system.until_total(expected)
    assert system.costs("tenant") == usage.costs(events, "tenant")


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
