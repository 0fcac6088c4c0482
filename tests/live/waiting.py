"""Awaiting what becomes true in another process."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

POLL_SECONDS: Final = 0.1


def asking(read: Callable[[], Any]) -> Callable[[], Awaitable[Any]]:
    """Return a blocking read as one that `eventually` awaits; the event loop goes on meanwhile."""
    return lambda: asyncio.to_thread(read)


async def eventually(read: Callable[[], Awaitable[Any]], holds: Callable[[Any], bool], *, seconds: float = 60) -> Any:
    """Return the first value read for which `holds`; AssertionError with the last one when time is up."""
    end = time.monotonic() + seconds
    while not holds(value := await read()):
        assert time.monotonic() < end, f"after {seconds:g} s still {value!r:.2000}"
        await asyncio.sleep(POLL_SECONDS)
    return value
