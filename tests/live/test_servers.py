"""What the tests' own Apache Kafka does right, and what the embedded broker's stand-in is checked against."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from tests.live.broker import Broker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.kafka
TOPIC = "servers-test"


@pytest.fixture
async def broker(kafka_url: str) -> AsyncIterator[Broker]:
    made = Broker(kafka_url.removeprefix("kafka://"))
    admin = AIOKafkaAdminClient(bootstrap_servers=made.bootstrap)
    await admin.start()
    config = {"max.message.bytes": str(8 * 1024 * 1024)}
    await admin.create_topics([NewTopic(TOPIC, num_partitions=1, replication_factor=1, topic_configs=config)])
    yield made
    await admin.delete_topics([TOPIC])
    await admin.close()


async def test_the_listed_end_counts_every_record_of_the_last_batch(broker: Broker) -> None:
    partition = TopicPartition(TOPIC, 0)
    producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap)
    await producer.start()
    batch = producer.create_batch()
    for number in range(5):
        batch.append(key=None, value=b"%d" % number, timestamp=None)
    await (await producer.send_batch(batch, TOPIC, partition=0))
    await producer.stop()

    consumer = AIOKafkaConsumer(bootstrap_servers=broker.bootstrap, enable_auto_commit=False)
    await consumer.start()
    assert (await consumer.end_offsets([partition]))[partition] == 5
    await consumer.stop()


async def test_large_events_come_back_whole(broker: Broker) -> None:
    event = {"id": "large", "data": "x" * (6 * 1024 * 1024)}
    await broker.produce([event], topic=TOPIC)
    assert await broker.read(TOPIC) == [event]
