"""Playing the month into the broker, about a day at a time, and waiting until everybody has drawn conclusions."""

from __future__ import annotations

import asyncio
import time
from itertools import islice
from typing import TYPE_CHECKING, Final

from app.adapters.bulk_producer import BulkProducer
from app.adapters.redis_view import RedisView
from app.demo.progress import stage
from app.folded import wait_until_folded
from app.topics import Topics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rich.console import Console

    from app.demo.recomputed import Recomputed
    from app.runtime import Runtime
    from app.sample import Emission

DAYS: Final = 31
LEAST_EVENTS: Final = 1_000
SETTLE_SECONDS: Final = 30.0
POLL_SECONDS: Final = 0.25


async def play(
    emissions: Iterator[Emission],
    expected: Recomputed,
    runtime: Runtime,
    *,
    about: int,
    console: Console,
) -> float:
    """Send every emission, counting it in `expected`; return the seconds until all were visible to readers.

    Two days are under way at a time: budgets cross and flags change on the day when it happened, not in one
    jump at the end of the month.
    """
    producer = BulkProducer(runtime.broker, Topics(runtime.topic_prefix).usage_metered)
    view = RedisView.connect(runtime.redis, runtime.view_prefix)

    async def progress() -> Mapping[str, bytes]:
        return await view.documents("progress")

    started = time.monotonic()
    await producer.start()
    try:
        with stage(console, "Playing the month", about, estimated=True) as advance:
            before: Mapping[int, int] = {}
            while day := list(islice(emissions, max(LEAST_EVENTS, about // DAYS))):
                for emission in day:
                    expected.add(emission)
                await producer.send([(emission.key, emission.value) for emission in day])
                last_offsets = await producer.flush()
                await wait_until_folded(progress, before)
                before = last_offsets
                advance(expected.records)
            await wait_until_folded(progress, before)
            advance(expected.records, expected.records)
    finally:
        await producer.stop()
        await view.close()
    return time.monotonic() - started


async def settle(settled: Callable[[], bool]) -> None:
    """Wait until budgets, flags and webhooks have caught up; after half a minute, the checks tell."""
    end = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < end:
        if await asyncio.to_thread(settled):
            return
        await asyncio.sleep(POLL_SECONDS)
