"""Appending millions of records to one topic: whole batches per partition, a bounded number in memory.

Order within a partition is the order of `send`; a key meets the partition that every Kafka client's default
partitioner gives it, so that a retry of the same event by anybody is recognised. At least once.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from app.partitioner import partitions_of

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["BulkProducer", "KafkaError"]

# Large enough that the per-request cost vanishes, small enough that four partitions progress together.
BATCH_BYTES: Final = 500_000
MAX_REQUEST_BYTES: Final = 16 * 1024 * 1024
_PREFIX_BYTES: Final = 64


class BulkProducer:
    """Sends `(key, value)` records to `topic`; memory holds about two batches a partition."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._bootstrap = bootstrap
        self._topic = topic
        self._producer: AIOKafkaProducer | None = None
        self._filling: dict[int, Any] = {}
        self._unacknowledged: dict[int, asyncio.Future[int]] = {}
        self._last: dict[int, int] = {}
        self._partitions = 0

    async def start(self) -> None:
        """Connect. Raises `KafkaError` when the broker does not answer."""
        self._producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            acks="all",
            max_batch_size=BATCH_BYTES,
            max_request_size=MAX_REQUEST_BYTES,
            linger_ms=0,
        )
        await self._producer.start()
        self._partitions = len(await self._producer.partitions_for(self._topic))

    async def stop(self) -> None:
        """Disconnect; what was not flushed may be lost."""
        if self._producer is not None:
            await self._producer.stop()

    async def send(self, records: Sequence[tuple[bytes | None, bytes]]) -> None:
        """Queue records, waiting while a partition has a batch under way; raise when one is refused."""
        for partition, (key, value) in zip(self._partitions_of(records), records, strict=True):
            while not self._append(partition, key, value):
                await self._ship(partition)

    async def flush(self) -> dict[int, int]:
        """Wait until everything is acknowledged; return the last offset written to each partition."""
        for partition in sorted(self._filling):
            await self._ship(partition)
        for partition in sorted(self._unacknowledged):
            await self._acknowledged(partition)
        return dict(self._last)

    def _partitions_of(self, records: Sequence[tuple[bytes | None, bytes]]) -> list[int]:
        # A record without a key may go anywhere; by its beginning, the same bytes go to the same place again.
        keys = [value[:_PREFIX_BYTES] if key is None else key for key, value in records]
        return partitions_of(keys, self._partitions)

    def _append(self, partition: int, key: bytes | None, value: bytes) -> bool:
        builder = self._filling.get(partition)
        if builder is None:
            builder = self._filling[partition] = self._connected.create_batch()
        return builder.append(key=key, value=value, timestamp=None) is not None

    async def _ship(self, partition: int) -> None:
        """Hand the partition's batch over once the one before it is acknowledged."""
        builder = self._filling.pop(partition)
        await self._acknowledged(partition)
        builder.close()
        delivery = await self._connected.send_batch(builder, self._topic, partition=partition)
        self._unacknowledged[partition] = asyncio.ensure_future(_last_offset(delivery, builder.record_count()))

    async def _acknowledged(self, partition: int) -> None:
        delivery = self._unacknowledged.pop(partition, None)
        if delivery is not None:
            self._last[partition] = await delivery

    @property
    def _connected(self) -> AIOKafkaProducer:
        if self._producer is None:
            raise RuntimeError("the producer is not started")
        return self._producer


async def _last_offset(delivery: asyncio.Future[Any], records: int) -> int:
    metadata = await delivery
    return int(metadata.offset) + records - 1
