"""The topics as anybody on Kafka sees them."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence

MAX_REQUEST_BYTES: Final = 8 * 1024 * 1024
READ_SECONDS: Final = 60
_IN_FLIGHT: Final = 5_000

Value = bytes | dict[str, Any] | None


@dataclass(frozen=True)
class Broker:
    """Bootstrap server `host:port`, and the prefix of all topic names."""

    bootstrap: str
    prefix: str = ""

    async def produce(
        self,
        values: Iterable[Value],
        *,
        topic: str = "usage-metered",
        partition: int | None = None,
        headers: Sequence[tuple[str, bytes]] = (),
        compression: str | None = None,
    ) -> None:
        """Send values, events keyed by their id, and return when all are acknowledged."""
        async with self._producer(compression) as producer:
            sent: list[asyncio.Future[Any]] = []
            for value in values:
                future = await producer.send(
                    self.prefix + topic,
                    orjson.dumps(value) if isinstance(value, dict) else value,
                    key=_key(value),
                    partition=partition,
                    headers=list(headers),
                )
                sent.append(future)
                if len(sent) == _IN_FLIGHT:
                    await asyncio.gather(*sent)
                    sent.clear()
            await asyncio.gather(*sent)

    async def read(self, topic: str) -> list[dict[str, Any]]:
        """Return the JSON values that a topic holds now, partition by partition."""
        consumer = AIOKafkaConsumer(
            self.prefix + topic,
            bootstrap_servers=self.bootstrap,
            group_id=None,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=2 * MAX_REQUEST_BYTES,
        )
        await consumer.start()
        try:
            async with asyncio.timeout(READ_SECONDS):
                return [orjson.loads(record.value) for record in await _everything(consumer) if record.value]
        finally:
            await consumer.stop()

    async def partitions(self, topic: str = "usage-metered") -> list[int]:
        """Return the numbers of a topic's partitions."""
        async with self._producer() as producer:
            return sorted(await producer.partitions_for(self.prefix + topic))

    @asynccontextmanager
    async def _producer(self, compression: str | None = None) -> AsyncIterator[AIOKafkaProducer]:
        producer = AIOKafkaProducer(
            bootstrap_servers=self.bootstrap,
            linger_ms=10,
            max_batch_size=256 * 1024,
            max_request_size=MAX_REQUEST_BYTES,
            compression_type=compression,
        )
        await producer.start()
        try:
            yield producer
        finally:
            await producer.stop()


async def _everything(consumer: AIOKafkaConsumer) -> list[Any]:
    """Read up to the ends that fetch responses tell; the listed ones are wrong on the embedded broker."""
    records: dict[Any, list[Any]] = {tp: [] for tp in consumer.assignment()}
    while not await _at_end(consumer, records):
        for tp, fetched in (await consumer.getmany(timeout_ms=200)).items():
            records[tp].extend(fetched)
    return [record for tp in sorted(records) for record in records[tp]]


async def _at_end(consumer: AIOKafkaConsumer, partitions: Iterable[Any]) -> bool:
    for tp in partitions:
        end = consumer.highwater(tp)
        if end is None or await consumer.position(tp) < end:
            return False
    return True


def _key(value: Value) -> bytes | None:
    if value is None:
        return b"none"  # the client insists on a key where there is no value
    return str(value.get("id", ""))[:64].encode() if isinstance(value, dict) else None
