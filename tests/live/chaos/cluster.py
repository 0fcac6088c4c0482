"""The servers of a chaos run, and what can be done to them: two Kafka nodes and a Redis that keeps nothing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from tests.live.engines import Servers
from tests.live.servers import kafka, redis
from tests.live.servers.process import LOOPBACK
from tests.live.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.live.servers.process import Server

OUTAGE_SECONDS: Final = 20.0


@dataclass(frozen=True)
class Cluster:
    """Kafka's controller and first broker, a second broker that leads half of the partitions, and Redis."""

    first: Server
    second: Server
    redis: Server

    @property
    def bootstrap(self) -> str:
        """Both brokers."""
        return f"{LOOPBACK}:{self.first.port},{LOOPBACK}:{self.second.port}"

    def engine(self) -> Servers:
        """Return the engine of one more system on these servers."""
        return Servers(f"kafka://{self.bootstrap}", f"redis://{LOOPBACK}:{self.redis.port}/0")

    def start(self) -> None:
        """Start all servers."""
        for server in (self.first, self.second, self.redis):
            server.start()

    def stop(self) -> None:
        """Stop all servers."""
        for server in (self.redis, self.second, self.first):
            server.stop()

    async def configure(self, topics: Mapping[str, Mapping[str, str]]) -> None:
        """Set configurations of topics; what is not named goes back to its default."""
        async with _admin(self.bootstrap) as admin:
            await admin.alter_configs(
                [ConfigResource(ConfigResourceType.TOPIC, name, dict(config)) for name, config in topics.items()]
            )

    async def topics(self, prefix: str) -> list[str]:
        """Return the names of all topics with a prefix."""
        async with _admin(self.bootstrap) as admin:
            return sorted(name for name in await admin.list_topics() if name.startswith(prefix))

    async def until_compacted(self, topic: str) -> None:
        """Return once a topic holds fewer records than were written to it."""
        await eventually(lambda: self._gone(topic), lambda gone: gone > 0, seconds=90)

    async def _gone(self, topic: str) -> int:
        """Count the records that were written and are there no more."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, auto_offset_reset="earliest", group_id=None)
        await consumer.start()
        try:
            numbers = consumer.partitions_for_topic(topic) or set(await _partitions(consumer, topic))
            partitions = [TopicPartition(topic, number) for number in numbers]
            ends: dict[TopicPartition, int] = await consumer.end_offsets(partitions)
            filled = [tp for tp in partitions if ends[tp] > 0]
            consumer.assign(filled)
            await consumer.seek_to_beginning(*filled)
            here = 0
            while any([await consumer.position(tp) < ends[tp] for tp in filled]):
                here += sum(map(len, (await consumer.getmany(timeout_ms=500)).values()))
            return sum(ends[tp] for tp in filled) - here
        finally:
            await consumer.stop()


async def _partitions(consumer: Any, topic: str) -> set[int]:
    await consumer._client.force_metadata_update()
    return set(consumer._client.cluster.partitions_for_topic(topic) or ())


class _admin:  # noqa: N801 - reads as a function
    """An admin client for as long as a block lasts."""

    def __init__(self, bootstrap: str) -> None:
        self._client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)

    async def __aenter__(self) -> Any:
        await self._client.start()
        return self._client

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()


def prepare(directory: Path) -> Cluster:
    """Return servers below a directory, not yet started."""
    redis_directory = directory / "redis"
    redis_directory.mkdir(parents=True)
    first, second = kafka.cluster(directory, brokers=2)
    return Cluster(first, second, redis.prepare(redis_directory))


async def outage() -> None:
    """Let an outage last. Here time itself is the fault; nothing is awaited."""
    await asyncio.sleep(OUTAGE_SECONDS)
