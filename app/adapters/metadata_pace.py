"""A Kafka client that asks again at a pace while no broker answers.

aiokafka's producer asks for metadata as soon as its last question has failed: a thousand times a second while the
brokers are away, each with two lines in the log, and with the CPU that their restart needs.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from aiokafka.client import AIOKafkaClient

PACE_SECONDS: Final = 0.25

_update = AIOKafkaClient._metadata_update  # noqa: SLF001 - what is public waits for it


async def paced(client: AIOKafkaClient, *arguments: Any) -> bool:
    """Update the metadata; rest after a failure."""
    found: bool = await _update(client, *arguments)  # type: ignore[no-untyped-call]
    if not found:
        await asyncio.sleep(PACE_SECONDS)
    return found


def install() -> None:
    """Let every client of this process ask so."""
    AIOKafkaClient._metadata_update = paced  # type: ignore[method-assign]  # noqa: SLF001 - as above
