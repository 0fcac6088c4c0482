"""The ways in: HTTP with a status per event, binary-mode CloudEvents, and `costguard replay`."""

from __future__ import annotations

import gzip
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import httpx
import orjson
import pytest
from aiokafka import AIOKafkaProducer

from tests.live import fence, usage
from tests.live.engines import Embedded

if TYPE_CHECKING:
    from tests.live.conftest import Launch
    from tests.live.engines import Engine
    from tests.live.system import System

BATCH = "application/cloudevents-batch+json"
FRESH_SECONDS = 5.0


async def test_posted_events_get_a_status_each_and_one_bad_one_harms_no_other(launch: Launch) -> None:
    system = launch(config=usage.CONFIG)
    good, other = usage.call("posted", 1000, 50), usage.call("other", 7, 3)
    bad = usage.call("bad", -1, 0)

    statuses = _post(system, [good, bad, other, good])
    assert [status["status"] for status in statuses] == ["accepted", "invalid", "accepted", "duplicate"]
    assert [status["id"] for status in statuses] == ["posted", "bad", "other", "posted"]
    assert "input_tokens" in statuses[1]["reason"]

    await system.until_total(usage.cost(good) + usage.cost(other))
    _post(system, [good, other])
    await fence.passed(system, ["acme"])
    assert system.total(feature="ai-search") == usage.cost(good) + usage.cost(other)


async def test_binary_mode_events_cost_the_same_and_are_the_same_event(launch: Launch) -> None:
    system = launch(config=usage.CONFIG)
    call = usage.call("binary", 123_457, 89)
    attributes = ("specversion", "id", "source", "type", "time")
    headers = [(f"ce_{name}", str(call[name]).encode()) for name in attributes]
    headers.append(("content-type", b"application/json"))
    partition = (await system.broker.partitions())[0]

    await system.broker.produce([orjson.dumps(call["data"])], headers=headers, partition=partition)
    await system.until_total(usage.cost(call))
    await system.broker.produce([call], partition=partition)
    await fence.passed(system, ["acme"])
    assert system.total(feature="ai-search") == usage.cost(call)


async def test_events_are_read_however_their_producer_compresses(launch: Launch) -> None:
    system = launch(config=usage.CONFIG)
    sent = Decimal(0)
    for compression in ("gzip", "snappy", "lz4", "zstd"):
        calls = [usage.call(f"{compression}-{number}", 1_000 + number, 7) for number in range(300)]
        await system.broker.produce(calls, compression=compression)
        sent += sum(map(usage.cost, calls))
        await system.until_total(sent)


async def test_what_a_producer_took_back_is_not_counted(launch: Launch, engine: Engine) -> None:
    if isinstance(engine, Embedded):
        pytest.skip("the embedded broker takes no transactions")
    system = launch(config=usage.CONFIG)
    kept, taken_back = ([usage.call(f"{name}-{n}", 1_000, n) for n in range(5)] for name in ("kept", "taken back"))
    topic = f"{system.broker.prefix}usage-metered"
    async with AIOKafkaProducer(bootstrap_servers=system.broker.bootstrap, transactional_id="gateway") as producer:
        for calls, ends in ((taken_back, producer.abort_transaction), (kept, producer.commit_transaction)):
            await producer.begin_transaction()
            for call in calls:
                await producer.send_and_wait(topic, orjson.dumps(call), key=call["id"].encode())
            await ends()
    await system.until_total(sum(map(usage.cost, kept), Decimal(0)))
    await fence.passed(system, ["acme"])
    assert system.total(feature="ai-search") == sum(map(usage.cost, kept))


async def test_replay_returns_once_everything_is_folded(launch: Launch) -> None:
    system = launch(config=usage.CONFIG)
    events = usage.Trace(calls=3_000, seed=8).events()
    plain, packed = system.directory / "events.jsonl", system.directory / "more.jsonl.gz"
    plain.write_bytes(b"\n".join(orjson.dumps(event) for event in events[:1_500]))
    packed.write_bytes(gzip.compress(b"\n".join(orjson.dumps(event) for event in events[1_500:])))

    system.run("replay", str(plain), str(packed))
    assert system.costs("tenant", "feature") == usage.costs(events, "tenant", "feature")
    system.run("replay", str(packed))
    assert system.total() == sum(usage.costs(events, "tenant").values(), Decimal(0))


async def test_an_event_shows_within_five_seconds(launch: Launch) -> None:
    system = launch(config=usage.CONFIG)
    total = Decimal(0)
    for number in range(10):
        call = usage.call(f"fresh-{number}", 1000 + number, 0)
        total += usage.cost(call)
        began = time.monotonic()
        await system.broker.produce([call])
        await system.until_total(total, seconds=FRESH_SECONDS)
        assert time.monotonic() - began < FRESH_SECONDS


def _post(system: System, events: list[usage.Event]) -> list[dict[str, Any]]:
    headers = {"content-type": BATCH}
    answer = system.request("POST", "/events", content=orjson.dumps(events), headers=headers)
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text
    statuses: list[dict[str, Any]] = answer.json()["events"]
    return statuses
