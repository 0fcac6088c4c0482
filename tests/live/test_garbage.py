"""What cannot be used is put aside with a reason, and disturbs nothing."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson

from tests.live import usage
from tests.live.waiting import eventually

if TYPE_CHECKING:
    from tests.live.broker import Value
    from tests.live.conftest import Launch

MEGABYTE = 1024 * 1024


def _with(**changes: Any) -> usage.Event:
    return usage.call("bad", 1000, 0) | changes


def _data(**changes: Any) -> usage.Event:
    event = usage.call("bad", 1000, 0)
    event["data"] |= changes
    return event


def _nan() -> bytes:
    event = usage.event("nan", resource_type="compute.cpu_seconds", units=0.5)
    return orjson.dumps(event).replace(b"0.5", b"NaN")


GARBAGE: dict[str, Value] = {
    "no value": None,
    "nothing": b"",
    "an open object": b'{"specversion": "1.0", "id": ',
    "deep arrays": b"[" * 100_000,
    "deep objects": b'{"a":' * 100_000,
    "deep data": b'{"data":{"attributes":' + b'{"x":' * 50_000 + b"1" + b"}" * 50_002,
    "not UTF-8": b"\xff\xfe\x00garbage",
    "not UTF-8 inside": orjson.dumps(_with()).replace(b"acme", b"\xff\xfe\xfd\xfc"),
    "a number": b"42",
    "an array": b"[]",
    "a string of 5 MB": b'"' + b"x" * (5 * MEGABYTE) + b'"',
    "an id of 5 MB": _with(id="x" * (5 * MEGABYTE)),
    "a tenant of 5 MB": _data(tenant="x" * (5 * MEGABYTE)),
    "a tenant that is a number": _data(tenant=7),
    "an id that is a number": _with(id=7),
    "no id": _with(id=""),
    "no source": {name: value for name, value in _with().items() if name != "source"},
    "another type": _with(type="costguard.billing.delta"),
    "another version": _with(specversion="0.3"),
    "no time of this world": _with(time="yesterday"),
    "a time without offset": _with(time="2026-11-02T09:00:00"),
    "a time in the year 9999": _with(time="9999-12-31T23:59:59Z"),
    "no data": _with(data=None),
    "NaN": _nan(),
    "infinite units": _data(resource_type="compute.cpu_seconds", units="Infinity"),
    "negative units": _data(resource_type="compute.cpu_seconds", units=-1),
    "units of a huge exponent": _data(resource_type="compute.cpu_seconds", units="1e999999999"),
    "no units": _data(resource_type="compute.cpu_seconds"),
    "negative tokens": _data(usage={"input_tokens": -5, "output_tokens": 0}),
    "more cached than given": _data(usage={"input_tokens": 5, "cache_read_tokens": 6}),
    "another driver": _data(resource_type="magic.wands", units=1),
}


async def test_garbage_is_dead_lettered_with_a_reason_and_disturbs_nothing(launch: Launch) -> None:
    good = usage.Trace(calls=2_000, seed=2, tenants=3).events()
    expected = usage.costs(good, "tenant", "feature")
    system = launch(config=usage.CONFIG)
    workers = system.children("worker")

    await system.broker.produce(_mixed(good, [*GARBAGE.values()]))
    await system.until_total(sum(expected.values(), Decimal(0)))
    letters = await eventually(lambda: system.broker.read("dead-letter"), lambda read: len(read) >= len(GARBAGE))

    assert {letter["type"] for letter in letters} == {"costguard.rejected"}
    assert sorted(_digest(letter) for letter in letters) == sorted(map(_digest_of, GARBAGE.values()))
    assert all(letter["data"]["reason"] for letter in letters)
    assert system.costs("tenant", "feature") == expected
    assert system.children("worker") == workers
    shown = await eventually(_shown(system), lambda page: len(page) >= len(GARBAGE))
    assert len(shown) == len(GARBAGE)


def _mixed(good: list[usage.Event], bad: list[Value]) -> list[Value]:
    """Put garbage between good events, evenly."""
    mixed: list[Value] = [*good]
    for number, value in enumerate(bad):
        mixed.insert((number + 1) * len(good) // (len(bad) + 1) + number, value)
    return mixed


def _shown(system: Any) -> Any:
    async def read() -> list[Any]:
        letters: list[Any] = system.get("/dead-letters", {"limit": 1000})["dead_letters"]
        return letters

    return read


def _digest(letter: dict[str, Any]) -> str:
    digest: str = letter["data"]["sha256"]
    return digest


def _digest_of(value: Value) -> str:
    raw = orjson.dumps(value) if isinstance(value, dict) else value or b""
    return hashlib.sha256(raw).hexdigest()
