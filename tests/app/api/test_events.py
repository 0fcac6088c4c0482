"""`POST /events`: a status per event, and nothing claimed that is not so."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.access_tokens import Token
from app.api.bodies import BATCH, EVENT, JSON, MAX_BODY_BYTES
from tests.app.api.fakes import TOPICS, World, usage

if TYPE_CHECKING:
    import httpx

SECRET = "0123456789abcdef"  # noqa: S105 - a test's


async def post(world: World, body: Any, media_type: str = BATCH, secret: str | None = None) -> httpx.Response:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    async with world.client(secret) as client:
        return await client.post("/events", content=content, headers={"content-type": media_type})


def statuses(answer: httpx.Response) -> list[str]:
    return [each["status"] for each in answer.json()["events"]]


async def test_one_bad_event_in_a_batch_harms_no_other(world: World) -> None:
    answer = await post(world, [usage("a"), usage("b", units=-1), usage("c"), usage("a")])
    assert answer.status_code == 202
    assert statuses(answer) == ["accepted", "invalid", "accepted", "duplicate"]
    assert [each.get("reason") for each in answer.json()["events"]][0::2] == [None, None]
    assert "units" in answer.json()["events"][1]["reason"]
    assert [key for _, key, _ in world.publisher.sent] == [b"a", b"c"]


async def test_events_are_sent_as_they_came_keyed_by_id(world: World) -> None:
    raw = b'{ "note": 1, ' + orjson.dumps(usage("e7"))[1:]
    assert statuses(await post(world, raw, EVENT)) == ["accepted"]
    assert world.publisher.sent == [(TOPICS.usage_metered, b"e7", raw)]


@pytest.mark.parametrize(("media_type", "many"), [(JSON, False), (JSON, True), (EVENT, False), (BATCH, True)])
async def test_an_event_and_a_batch_are_taken_in_every_json_type(world: World, media_type: str, many: bool) -> None:  # noqa: FBT001
    answer = await post(world, [usage()] if many else usage(), f"{media_type}; charset=utf-8")
    assert statuses(answer) == ["accepted"]


async def test_a_binary_mode_event_is_the_same_event(world: World) -> None:
    event = usage("e9")
    headers = {f"ce-{name}": event[name] for name in ("specversion", "id", "source", "type", "time")}
    async with world.client() as client:
        answer = await client.post("/events", json=event["data"], headers=headers)
    assert statuses(answer) == ["accepted"]
    (_, key, value) = world.publisher.sent[0]
    assert (key, orjson.loads(value or b"")) == (b"e9", event)


async def test_a_repeat_is_told_within_a_day_and_is_not_sent_again(world: World) -> None:
    await post(world, [usage("a")])
    assert statuses(await post(world, [usage("a"), usage("b")])) == ["duplicate", "accepted"]
    assert [key for _, key, _ in world.publisher.sent] == [b"a", b"b"]
    assert set(world.view.remembered.values()) == {86_400}


async def test_the_same_id_of_another_source_is_another_event(world: World) -> None:
    assert statuses(await post(world, [usage("a"), usage("a", source="/other")])) == ["accepted", "accepted"]


async def test_what_the_broker_did_not_acknowledge_can_be_sent_again(world: World) -> None:
    world.publisher.away = True
    refused = await post(world, [usage("a"), usage("b", units=-1)])
    assert refused.status_code == 503
    assert refused.headers["retry-after"]
    assert refused.headers["content-type"] == "application/problem+json"
    assert statuses(refused) == ["error", "invalid"]
    assert world.view.remembered == {}

    world.publisher.away = False
    assert statuses(await post(world, [usage("a")])) == ["accepted"]


async def test_intake_goes_on_while_the_view_is_away(world: World) -> None:
    world.view.away = True
    assert statuses(await post(world, [usage("a"), usage("a")])) == ["accepted", "duplicate"]


async def test_a_batch_of_nothing_is_fine(world: World) -> None:
    answer = await post(world, [])
    assert (answer.status_code, answer.json()) == (202, {"events": []})


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        (b"", JSON, 400),
        (b'{"a": ', JSON, 400),
        (b"[" * 100_000, JSON, 400),
        (b'{"a":' * 100_000, EVENT, 400),
        (b"{}", BATCH, 400),
        (b"[" + b"{}," * 10_000 + b"{}]", BATCH, 413),
        (b'"' + b"x" * MAX_BODY_BYTES + b'"', JSON, 413),
        (b"{}", "text/plain", 415),
        (b"a=b", "application/x-www-form-urlencoded", 415),
    ],
)
async def test_a_body_that_cannot_be_read_is_a_problem(world: World, body: bytes, media_type: str, status: int) -> None:
    answer = await world.refusal("POST", "/events", content=body, headers={"content-type": media_type})
    assert answer.status_code == status
    assert world.publisher.sent == []


async def test_a_body_of_unknown_length_is_bounded_too(world: World) -> None:
    async def endless() -> Any:
        for _ in range(20):
            yield b" " * 1024 * 1024

    answer = await world.refusal("POST", "/events", content=endless(), headers={"content-type": JSON})
    assert answer.status_code == 413


async def test_an_event_of_more_than_a_mebibyte_is_invalid_and_its_neighbours_are_not(world: World) -> None:
    large = usage("large") | {"padding": "x" * 1024 * 1024}
    assert statuses(await post(world, [large, usage("small")])) == ["invalid", "accepted"]


@pytest.mark.parametrize("event", [None, 42, "text", [], {}, {"id": 7}, {"id": "x", "data": None}])
async def test_what_is_no_event_is_invalid_with_a_reason(world: World, event: Any) -> None:
    answer = await post(world, [event])
    assert statuses(answer) == ["invalid"]
    assert answer.json()["events"][0]["reason"]


async def test_a_bound_token_writes_events_of_its_tenants_only(world: World) -> None:
    world.tokens = (Token("ci", SECRET, frozenset({"acme"}), frozenset({"write"})),)
    answer = await post(world, [usage("a"), usage("b", tenant="hooli"), usage("c", tenant=None)], secret=SECRET)
    assert statuses(answer) == ["accepted", "invalid", "invalid"]
    assert [key for _, key, _ in world.publisher.sent] == [b"a"]

    refused = await post(world, [usage("b", tenant="hooli")], secret=SECRET)
    assert refused.status_code == 403


async def test_a_token_bound_to_sources_takes_nobody_elses_ids(world: World) -> None:
    world.tokens = (Token("ci", SECRET, frozenset({"acme"}), frozenset({"write"}), ("/gateways/acme/",)),)
    events = [
        usage(name) | {"source": source} for name, source in (("a", "/gateways/acme/1"), ("b", "/gateways/hooli/1"))
    ]
    answer = await post(world, events, secret=SECRET)
    assert statuses(answer) == ["accepted", "invalid"]
    assert "/gateways/hooli/1" in answer.json()["events"][1]["reason"]
    assert (await post(world, events[1:], secret=SECRET)).status_code == 403
    assert [key for _, key, _ in world.publisher.sent] == [b"a"]


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=60) | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(as_json))
async def test_no_bytes_make_it_fail(body: bytes) -> None:
    answer = await post(World(), body, JSON)
    assert answer.status_code in {202, 400}
