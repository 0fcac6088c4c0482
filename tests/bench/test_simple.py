from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import orjson
import pytest

from bench.processes import FailedError
from bench.simple import bench
from bench.simple.contenders.costguard import Summing
from bench.simple.events import events, expected
from bench.simple.sums import MINUTE, digest
from bench.watch import Watch
from tests.agents.fakes import batch
from tests.agents.memory_table import MemoryTable

PINS = sorted(Path(bench.__file__).with_name("contenders").glob("*.txt"))


def test_events_are_about_a_hundred_bytes_and_come_in_order_of_time() -> None:
    values = [value for _, value in events(1_000, seed=1)]
    assert 90 < sum(map(len, values)) / len(values) < 110
    times = [orjson.loads(value)["time"][:19] for value in values]
    assert times == sorted(times)


def test_a_digest_tells_any_wrong_unit() -> None:
    right = expected(500, seed=1)
    cell = next(iter(right))
    assert digest(right) == digest(dict(reversed(right.items())))
    assert digest(right) != digest(right | {cell: right[cell] + 1})


def test_a_figure_with_wrong_sums_does_not_count() -> None:
    found = {"digest": digest({("a", "b"): 1}), "cells": 1, "units": 1}
    assert bench.proven(found, digest({("a", "b"): 1})) == found
    with pytest.raises(FailedError, match="wrong sums"):
        bench.proven(found, digest({("a", "b"): 2}))


async def test_our_contender_sums_up_and_a_replay_adds_nothing() -> None:
    values = [value for _, value in events(300, seed=1)]
    right: defaultdict[tuple[str, str], int] = defaultdict(int)
    for event in map(orjson.loads, values):
        right[event["key"], event["time"][:MINUTE]] += event["units"]
    summing = Summing(MemoryTable(), Watch(len(values) * 9))
    await summing.handle(batch("t", values[:200]))
    await summing.handle(batch("t", values[100:], first=100))
    await summing.handle(batch("t", values))
    assert summing.sums() == right == expected(300, seed=1)


@pytest.mark.parametrize("pins", PINS, ids=lambda pins: pins.stem)
def test_every_package_of_a_peer_is_pinned(pins: Path) -> None:
    lines = pins.read_text().splitlines()
    assert lines
    assert all("==" in line for line in lines)


def test_every_peer_has_its_pins() -> None:
    assert {peer.environment for peer in bench.PEERS.values() if peer.environment} == {pins.stem for pins in PINS}
