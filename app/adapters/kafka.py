"""Writing to Kafka, and its administration: the one place that talks to aiokafka outside Faust's consumer."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import MessageSizeTooLargeError, RecordListTooLargeError, TopicAlreadyExistsError, for_code
from aiokafka.producer.message_accumulator import BatchBuilder

from agents import metrics
from app.partitioner import partitions_of
from tables.tenure import BatchTooLargeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

# A record batch must stay below the broker's default message.max.bytes (1,048,588) to be appended whole.
MAX_BATCH_BYTES: Final = 900_000
# Changelogs take larger ones: what is written together is one batch.
MAX_COMMIT_BYTES: Final = 4_000_000
MAX_REQUEST_BYTES: Final = 8 * 1024 * 1024
KNOWN_SECONDS: Final = 20.0
READ_SECONDS: Final = 30.0
_TOPIC_EXISTS: Final = TopicAlreadyExistsError.errno


class Publisher:
    """A producer whose calls return when the broker has acknowledged; at least once."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()

    async def start(self) -> AIOKafkaProducer:
        """Connect, if that has not been done; every other call does it by itself."""
        async with self._starting:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    bootstrap_servers=self._bootstrap,
                    acks="all",
                    max_batch_size=MAX_BATCH_BYTES,
                    max_request_size=MAX_REQUEST_BYTES,
                    linger_ms=0,
                )
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
            return self._producer

    async def stop(self) -> None:
        """Send what is pending, and disconnect."""
        if self._producer is not None:
            await self._producer.stop()

    async def send_many(
        self, topic: str, records: Sequence[tuple[bytes | None, bytes | None, int | None]]
    ) -> list[tuple[int, int]]:
        """Send `(key, value, partition or None)` records; return `(partition, last offset)` of what was acknowledged.

        Records are packed into whole batches per partition, in order: a record costs a microsecond, not twenty.
        """
        if not records:
            return []
        producer = await self.start()
        chosen = _choose(records, len(await producer.partitions_for(topic)))
        batches: list[tuple[int, BatchBuilder]] = []
        filling: dict[int, BatchBuilder] = {}
        for partition, (key, value, _) in zip(chosen, records, strict=True):
            builder = filling.get(partition)
            if builder is None or builder.append(key=key, value=value, timestamp=None) is None:
                builder = filling[partition] = producer.create_batch()
                batches.append((partition, builder))
                # The first record of a batch is always taken, however large.
                builder.append(key=key, value=value, timestamp=None)
        return await asyncio.gather(*[_ship(producer, topic, partition, builder) for partition, builder in batches])

    async def append(
        self, topic: str, partition: int, rows: Iterable[tuple[bytes, bytes | None]], headers: Mapping[str, bytes]
    ) -> int:
        """Append rows as one record batch, atomically; return the offset of the last one.

        Raises `BatchTooLargeError` when they do not fit into one batch, ours or one that the broker takes.
        """
        producer = await self.start()
        builder = BatchBuilder(MAX_COMMIT_BYTES, 0, key_serializer=None, value_serializer=None)
        pairs = list(headers.items())
        with metrics.cpu("changelog"):
            for key, value in rows:
                if builder.append(key=key, value=value, timestamp=None, headers=pairs) is None:
                    raise BatchTooLargeError(f"{topic}: rows of one commit exceed {MAX_COMMIT_BYTES} bytes")
        try:
            return (await _ship(producer, topic, partition, builder))[1]
        except (MessageSizeTooLargeError, RecordListTooLargeError) as error:
            raise BatchTooLargeError(f"{topic}: the broker takes no batch of {builder.size()} bytes") from error

    async def read(self, topic: str, partition: int, first: int, last: int) -> list[Any]:
        """Return the records between two offsets, both included, that compaction has left.

        Raises `TimeoutError` when the broker does not have them in time.
        """
        where = TopicPartition(topic, partition)
        records: list[Any] = []
        consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, auto_offset_reset="earliest")
        await consumer.start()
        try:
            consumer.assign([where])
            consumer.seek(where, first)
            async with asyncio.timeout(READ_SECONDS):
                while await consumer.position(where) <= last:
                    records += (await consumer.getmany(where, timeout_ms=500)).get(where, [])
        finally:
            await consumer.stop()
        return [record for record in records if record.offset <= last]


def _choose(records: Sequence[tuple[bytes | None, bytes | None, int | None]], partitions: int) -> Iterator[int]:
    """Yield the partition of each record: as given, else as every Kafka client would choose it by the key."""
    hashed = iter(partitions_of([key for key, _, given in records if given is None and key is not None], partitions))
    anywhere = random.randrange(partitions)  # noqa: S311 - spreads load, decides nothing
    for key, _, given in records:
        if given is not None:
            yield given
        else:
            yield anywhere if key is None else next(hashed)


async def _ship(producer: AIOKafkaProducer, topic: str, partition: int, builder: BatchBuilder) -> tuple[int, int]:
    records = builder.record_count()
    builder.close()
    metadata = await (await producer.send_batch(builder, topic, partition=partition))
    return partition, int(metadata.offset) + records - 1


async def create_topics(
    bootstrap: str, topics: Mapping[str, Mapping[str, str]], *, partitions: int, replication: int
) -> dict[str, int]:
    """Create the topics that do not exist, and return how many partitions each has; an existing one is left as it is.

    Raises `TimeoutError` when the brokers do not know its leader in time.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        response: Any = await admin.create_topics(
            [
                NewTopic(
                    name,
                    num_partitions=partitions,
                    replication_factor=replication,
                    topic_configs=dict(config),
                )
                for name, config in topics.items()
            ]
        )
        for name, code, *_ in response.topic_errors:
            if code not in (0, _TOPIC_EXISTS):
                raise for_code(code)(f"cannot create topic {name}")
        return await _until_known(admin, list(topics))
    finally:
        await admin.close()


async def _until_known(admin: AIOKafkaAdminClient, topics: list[str]) -> dict[str, int]:
    """Wait until the brokers know the topics and their leaders: they learn it after the controller has answered."""
    async with asyncio.timeout(KNOWN_SECONDS):
        while not all(map(_is_led, described := await admin.describe_topics(topics))):  # noqa: ASYNC110 - nobody tells us when
            await asyncio.sleep(0.05)
    return {entry["topic"]: len(entry["partitions"]) for entry in described}


def _is_led(entry: dict[str, Any]) -> bool:
    partitions = entry["partitions"]
    return not entry["error_code"] and all(partition["leader"] >= 0 for partition in partitions)


async def partition_counts(bootstrap: str, topics: Iterable[str]) -> dict[str, int]:
    """Return how many partitions each existing topic has."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        described: list[dict[str, Any]] = await admin.describe_topics(list(topics))
    finally:
        await admin.close()
    return {entry["topic"]: len(entry["partitions"]) for entry in described if entry["error_code"] == 0}


async def read_all(bootstrap: str, topics: Iterable[str]) -> list[bytes]:
    """Return the values of everything that topics hold now, by partition; raises `KafkaError` without a broker."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        known = await consumer.topics()
        where = [TopicPartition(topic, number) for topic in topics if topic in known
                 for number in consumer.partitions_for_topic(topic) or ()]  # fmt: skip
        ends = await consumer.end_offsets(where) if where else {}
        values: list[bytes] = []
        for partition, end in ends.items():
            consumer.assign([partition])
            await consumer.seek_to_beginning(partition)
            while await consumer.position(partition) < end:
                found = await consumer.getmany(partition, timeout_ms=500)
                values += [record.value for record in found.get(partition, ()) if record.value is not None]
    finally:
        await consumer.stop()
    return values
