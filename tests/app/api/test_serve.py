"""The `api` process: up before anything else is, and down without a fuss."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import orjson
import pytest

from app.adapters.loopback import free_port
from app.api.sending import BrokerAwayError
from app.api.serve import Partitions, run
from app.configuration import Configuration
from app.settings import SettingsError, load_settings
from tests.app.api.fakes import usage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

START_SECONDS = 30


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Settings that name engines where nothing listens."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("COSTGUARD_")}
    return inherited | {
        "COSTGUARD_BROKER_URL": f"kafka://127.0.0.1:{free_port()}",
        "COSTGUARD_REDIS_URL": f"redis://127.0.0.1:{free_port()}/0",
        "COSTGUARD_API_PORT": str(free_port()),
        "COSTGUARD_DATA_DIR": str(tmp_path),
    }


@asynccontextmanager
async def api(environment: dict[str, str]) -> AsyncIterator[tuple[asyncio.subprocess.Process, httpx.AsyncClient]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app", "api", env=environment, stdin=asyncio.subprocess.DEVNULL
    )
    try:
        base_url = f"http://127.0.0.1:{environment['COSTGUARD_API_PORT']}"
        async with httpx.AsyncClient(base_url=base_url, timeout=20) as client, asyncio.timeout(START_SECONDS):
            while not await answers(client):
                assert process.returncode is None
            yield process, client
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def answers(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/healthz")).is_success
    except httpx.TransportError:
        await asyncio.sleep(0.05)
        return False


async def test_it_serves_before_its_engines_are_up_says_so_and_stops_on_sigterm(environment: dict[str, str]) -> None:
    async with api(environment) as (process, client):
        ready = await client.get("/readyz")
        assert (ready.status_code, ready.json()["broker"], ready.json()["redis"]) == (503, "down", "down")
        sent = await client.post(
            "/events", content=orjson.dumps([usage()]), headers={"content-type": "application/json"}
        )
        assert (sent.status_code, sent.json()["events"][0]["status"]) == (503, "error")
        assert (await client.get("/costs")).status_code == 503
        process.terminate()
        assert await process.wait() == 0


def test_it_refuses_to_be_open_to_other_machines_without_tokens() -> None:
    settings = load_settings({"COSTGUARD_API_HOST": "0.0.0.0"}, {})
    with pytest.raises(SettingsError, match="COSTGUARD_API_HOST"):
        run(settings, Configuration())


class Broker:
    """Counts how often it is asked; `away` refuses, `now` is the clock of whoever asks."""

    def __init__(self) -> None:
        self.asked = 0
        self.away = False
        self.now = 0.0

    async def __call__(self) -> Mapping[str, int]:
        self.asked += 1
        await asyncio.sleep(0)
        if self.away:
            raise ConnectionError("no broker")
        return {"usage-metered": 4}


async def test_probes_that_come_at_once_ask_the_broker_once_a_second() -> None:
    broker = Broker()
    partitions = Partitions(broker, lambda: broker.now)
    assert await asyncio.gather(*[partitions() for _ in range(20)]) == [{"usage-metered": 4}] * 20
    assert broker.asked == 1
    broker.now = 1.5
    await partitions()
    assert broker.asked == 2


async def test_a_broker_that_is_away_is_asked_once_a_second_too_and_is_back_after_that() -> None:
    broker = Broker()
    partitions = Partitions(broker, lambda: broker.now)
    await partitions()
    broker.now, broker.away = 1.5, True
    with pytest.raises(ConnectionError):
        await partitions()
    with pytest.raises(BrokerAwayError):
        await partitions()
    assert broker.asked == 2
    broker.now, broker.away = 3.0, False
    assert await partitions() == {"usage-metered": 4}
