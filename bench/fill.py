"""Putting a generated stream into a topic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.adapters.bulk_producer import BulkProducer
from app.adapters.kafka import create_topics

if TYPE_CHECKING:
    from collections.abc import Iterable

PARTITIONS: Final = 4
_CHUNK: Final = 5_000


async def fill(bootstrap: str, topic: str, records: Iterable[tuple[bytes, bytes]]) -> dict[int, int]:
    """Create the topic if need be and send `(key, value)` records; return the last offset of each partition."""
    await create_topics(bootstrap, {topic: {}}, partitions=PARTITIONS, replication=1)
    producer = BulkProducer(bootstrap, topic)
    await producer.start()
    try:
        chunk: list[tuple[bytes | None, bytes]] = []
        for record in records:
            chunk.append(record)
            if len(chunk) == _CHUNK:
                await producer.send(chunk)
                chunk = []
        await producer.send(chunk)
        return await producer.flush()
    finally:
        await producer.stop()
