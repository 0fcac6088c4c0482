"""While no broker answers, a client asks some times a second, not a thousand."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaConnectionError

from app.adapters import metadata_pace
from app.adapters.loopback import LOOPBACK, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def installed() -> Iterator[None]:
    before = AIOKafkaClient._metadata_update
    metadata_pace.install()
    yield
    AIOKafkaClient._metadata_update = before  # type: ignore[method-assign]


@pytest.mark.usefixtures("installed")
async def test_a_failed_update_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    rests: list[float] = []
    sleep = asyncio.sleep

    async def rest(seconds: float) -> None:
        rests.append(seconds)
        await sleep(0)

    client = AIOKafkaClient(bootstrap_servers=f"{LOOPBACK}:{free_port()}")
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    monkeypatch.setattr(asyncio, "sleep", rest)
    try:
        assert not await client._metadata_update(client.cluster, [])
        assert rests == [metadata_pace.PACE_SECONDS]
    finally:
        monkeypatch.undo()
        logging.getLogger("aiokafka").setLevel(logging.NOTSET)
        await client.close()


@pytest.mark.usefixtures("installed")
async def test_a_producer_without_a_broker_still_says_so() -> None:
    producer = AIOKafkaProducer(bootstrap_servers=f"{LOOPBACK}:{free_port()}")
    with pytest.raises(KafkaConnectionError):
        await producer.start()
    await producer.stop()
