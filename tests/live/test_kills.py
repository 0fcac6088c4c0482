"""Processes die at the worst moment, and no figure changes."""

from __future__ import annotations

import asyncio
import signal
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.live import usage
from tests.live.waiting import asking, eventually

if TYPE_CHECKING:
    from tests.live.conftest import Launch
    from tests.live.system import System

CHUNKS = 12


async def test_kill_9_in_mid_stream_changes_no_total(launch: Launch) -> None:
    system = launch(config=usage.CONFIG)
    await _exact_through(system, kills=(3, 6, 9), number=signal.SIGKILL)


async def test_kill_9_of_one_worker_of_two_changes_no_total(launch: Launch) -> None:
    system = launch(config=usage.CONFIG, workers=2)
    await _exact_through(system, kills=(4, 8), number=signal.SIGKILL)


async def test_a_polite_restart_in_mid_stream_changes_no_total(launch: Launch) -> None:
    system = launch(config=usage.CONFIG)
    await _exact_through(system, kills=(4, 8), number=signal.SIGTERM)


async def _exact_through(system: System, *, kills: tuple[int, ...], number: signal.Signals) -> None:
    """Send a trace in chunks, end a worker in the middle of some, and expect every amount to the last unit."""
    events = usage.Trace(calls=60_000, seed=23).events()
    expected = usage.costs(events, "tenant", "feature")
    sent = usage.disturbed(events)
    size = len(sent) // CHUNKS + 1
    for chunk in range(CHUNKS):
        sending = asyncio.create_task(system.broker.produce(sent[chunk * size : (chunk + 1) * size]))
        if chunk in kills:
            # In the middle of work: something of this trace shows, and its end is not sent yet.
            await eventually(asking(system.total), lambda total: total > 0)
            await _end_a_worker(system, number)
        await sending
    await system.until_total(sum(expected.values(), Decimal(0)), seconds=180)
    assert system.costs("tenant", "feature") == expected


async def _end_a_worker(system: System, number: signal.Signals) -> None:
    workers = asking(lambda: system.children("worker"))
    await eventually(workers, lambda pids: len(pids) == system.workers)
    ended = system.signal("worker", number)
    await eventually(workers, lambda pids: ended not in pids)
