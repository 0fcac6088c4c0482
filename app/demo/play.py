"""Playing the month into the broker, and waiting until everybody has drawn their conclusions."""

from __future__ import annotations

import asyncio
import time
from itertools import islice
from typing import TYPE_CHECKING, Final

from app.adapters.bulk_producer import BulkProducer
from app.adapters.redis_view import RedisView
from app.demo.progress import stage
from app.demo.summary import Timing
from app.folded import Progress, wait_until_folded
from app.topics import Topics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rich.console import Console

    from app.demo.recomputed import Recomputed
    from app.runtime import Runtime
    from app.sample import Emission

CHUNK_EVENTS: Final = 2_000
SETTLE_SECONDS: Final = 30.0
POLL_SECONDS: Final = 0.25


async def play(
    emissions: Iterator[Emission],
    expected: Recomputed,
    runtime: Runtime,
    *,
    about: int,
    console: Console,
) -> Timing:
    """Send every emission, counting it in `expected`, and return once all are visible to readers."""
    started = time.monotonic()
    producer = BulkProducer(runtime.broker, Topics(runtime.topic_prefix).usage_metered)
    last_offsets = await _send(emissions, expected, producer, about, console)
    sent = time.monotonic()
    view = RedisView.connect(runtime.redis, runtime.view_prefix)
    try:
        await _fold(view, last_offsets, expected.records, console)
    finally:
        await view.close()
    return Timing(sent - started, time.monotonic() - started)


async def _send(
    emissions: Iterator[Emission],
    expected: Recomputed,
    producer: BulkProducer,
    about: int,
    console: Console,
) -> dict[int, int]:
    await producer.start()
    try:
        with stage(console, "Playing the month", about) as advance:
            while chunk := list(islice(emissions, CHUNK_EVENTS)):
                for emission in chunk:
                    expected.add(emission)
                await producer.send([(emission.key, emission.value) for emission in chunk])
                advance(expected.records)
            last_offsets = await producer.flush()
            advance(expected.records, expected.records)
        return last_offsets
    finally:
        await producer.stop()


async def _fold(view: RedisView, last_offsets: Mapping[int, int], records: int, console: Console) -> None:
    with stage(console, "Folding into the tables", records) as advance:

        def move(progress: Progress) -> None:
            advance(max(0, records - progress.behind))

        async def read() -> Mapping[str, bytes]:
            return await view.documents("progress")

        await wait_until_folded(read, last_offsets, on_progress=move)


async def settle(settled: Callable[[], bool]) -> None:
    """Wait until budgets, flags and webhooks have caught up; after half a minute, the checks tell."""
    end = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < end:
        if await asyncio.to_thread(settled):
            return
        await asyncio.sleep(POLL_SECONDS)
