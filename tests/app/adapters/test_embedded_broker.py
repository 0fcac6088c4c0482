"""The embedded broker for real, and the reason why Faust needs another transport with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import faust
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from yarl import URL

from app.adapters import embedded_broker
from app.adapters.embedded_broker import EmbeddedTransport, true_ends
from app.adapters.kafka import Publisher
from app.adapters.loopback import LOOPBACK, free_port
from app.supervisor.child import Child, Spec
from app.supervisor.probes import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.live

MANY, ONE, EMPTY = (TopicPartition("changelog", partition) for partition in range(3))
# The last batch of each partition, after a first batch of three records.
LAST_BATCH = {MANY: 500, ONE: 1}
ENDS = {MANY: 503, ONE: 4, EMPTY: 0}


@pytest.fixture
async def bootstrap(tmp_path: Path) -> AsyncIterator[str]:
    """Run a broker whose topic `changelog` has partitions that end as `ENDS` says."""
    port = free_port()
    child = Child(Spec("broker", embedded_broker.program(port), tmp_path / "broker.log", tmp_path))
    await child.start()
    try:
        address = f"{LOOPBACK}:{port}"
        assert await until(lambda: embedded_broker.answers(address), 20)
        await fill(address)
        yield address
    finally:
        await child.stop(10)


async def fill(address: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    await admin.create_topics([NewTopic(MANY.topic, num_partitions=3, replication_factor=1)])
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=address)
    await producer.start()
    for tp, count in LAST_BATCH.items():
        await append(producer, tp, 3)
        await append(producer, tp, count)
    await producer.stop()


async def append(producer: Any, tp: TopicPartition, count: int) -> None:
    batch = producer.create_batch()
    for number in range(count):
        batch.append(key=None, value=b"%d" % number, timestamp=None)
    batch.close()
    await (await producer.send_batch(batch, tp.topic, partition=tp.partition))


async def listed_ends(address: str) -> dict[TopicPartition, int]:
    consumer = AIOKafkaConsumer(bootstrap_servers=address)
    await consumer.start()
    try:
        ends: dict[TopicPartition, int] = await consumer.end_offsets(list(ENDS))
        return ends
    finally:
        await consumer.stop()


async def test_nobody_answers_at_a_free_port() -> None:
    assert not await embedded_broker.answers(f"{LOOPBACK}:{free_port()}")


async def test_the_broker_still_lists_ends_wrongly_so_that_the_transport_is_still_needed(bootstrap: str) -> None:
    listed = await listed_ends(bootstrap)
    assert listed == {MANY: 4, ONE: 4, EMPTY: 0}, (
        "ListOffsets changed in the embedded broker. If it equals ENDS now, remove EmbeddedTransport and this test."
    )


async def test_true_ends_are_read_off_a_fetch(bootstrap: str) -> None:
    assert await true_ends([bootstrap], await listed_ends(bootstrap)) == ENDS


async def test_faust_is_told_the_true_end_of_a_last_batch_of_many_records(bootstrap: str) -> None:
    assert await highwaters_in_faust(bootstrap, embedded=True) == ENDS


async def test_without_our_transport_faust_would_stop_a_recovery_short(bootstrap: str) -> None:
    assert (await highwaters_in_faust(bootstrap, embedded=False))[MANY] < ENDS[MANY]


async def test_a_publisher_reads_back_between_two_offsets(bootstrap: str) -> None:
    publisher = Publisher(bootstrap)
    try:
        last = await publisher.append(MANY.topic, MANY.partition, [(b"k", b"v"), (b"gone", None)], {"term": b"7"})
        read = await publisher.read(MANY.topic, MANY.partition, last - 3, last - 1)
    finally:
        await publisher.stop()
    assert last == ENDS[MANY] + 1
    assert [(record.offset, record.key, record.value) for record in read] == [
        (501, None, b"498"),
        (502, None, b"499"),
        (503, b"k", b"v"),
    ]
    assert list(read[-1].headers) == [("term", b"7")]


async def highwaters_in_faust(address: str, *, embedded: bool) -> dict[TopicPartition, int]:
    """Ask a running consumer of Faust, as its table recovery does."""
    app = faust.App("test", broker=f"kafka://{address}", autodiscover=False)
    if embedded:
        app.transport = EmbeddedTransport([URL(f"kafka://{address}")], app)
    consumer: Any = app._new_consumer()
    thread = consumer._new_consumer_thread()
    thread._consumer = AIOKafkaConsumer(bootstrap_servers=address)
    await thread._consumer.start()
    try:
        return dict(await thread._highwaters(list(ENDS)))
    finally:
        await thread._consumer.stop()
