"""History that comes unevenly to workers that stand still now and then: nothing is told that did not happen."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tests.live.test_anomalies import CONFIG, hour_of, listed, newest_hour, told
from tests.live.waiting import asking, eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.live import usage
    from tests.live.conftest import Launch
    from tests.live.system import System

DAYS = 8
STOPS = 7 * 24 + 6


def day_of(number: int) -> list[usage.Event]:
    """Return a day; from `STOPS` on, hooli's chat is silent."""
    events = [event for hour in range(number * 24, number * 24 + 24) for event in hour_of(hour)]
    return [event for event in events if not has_stopped(event)]


def has_stopped(event: usage.Event) -> bool:
    name, feature, hour = event["id"].split("-")[:3]
    return (name, feature) == ("hooli", "chat") and int(hour) >= STOPS


@asynccontextmanager
async def standing_still_now_and_then(system: System) -> AsyncIterator[None]:
    """Let one worker after the other stand still for longer than a sweep takes, and shorter than a session."""

    async def stutter() -> None:
        for number in itertools.count():
            pid = system.children("worker")[number % 2]
            os.kill(pid, signal.SIGSTOP)
            try:
                await asyncio.sleep(2.5)
            finally:
                os.kill(pid, signal.SIGCONT)
            await asyncio.sleep(1.0)

    task = asyncio.create_task(stutter())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_history_that_comes_unevenly_to_workers_that_stand_still_tells_nothing_but_what_happened(
    launch: Launch,
) -> None:
    system = launch(workers=2, config=CONFIG)
    partitions = await system.broker.partitions()
    async with standing_still_now_and_then(system):
        for number in range(DAYS):
            for partition in partitions:
                some = [event for at, event in enumerate(day_of(number)) if at % len(partitions) == partition]
                await system.broker.produce(some, partition=partition)
    await eventually(asking(lambda: newest_hour(system)), lambda hour: hour >= "2026-09-07T22:00:00Z", seconds=120)
    (found,) = listed(system)
    assert (found["kind"], found["scope"]["tenant"], found["scope"]["feature"]) == ("stopped", "hooli", "chat")
    assert found["since"] == "2026-09-07T06:00:00Z"
    assert [event["id"] for event in await told(system)] == [found["anomaly_id"]]
