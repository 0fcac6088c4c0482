"""Events of about 100 bytes: `{"id","key","time","units","unit"}`, keyed by `key`, in order of time."""

from __future__ import annotations

import random
from collections import defaultdict
from typing import TYPE_CHECKING

import orjson

from bench.simple.sums import MINUTE, Cell

if TYPE_CHECKING:
    from collections.abc import Iterator

KEYS = 1_000
MINUTES = 5


def events(count: int, seed: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield `(key, value)`; units are whole numbers, so that sums are exact in every contender."""
    chance = random.Random(seed)  # noqa: S311 - reproducible, not secret
    for number in range(count):
        key = f"key-{chance.randrange(KEYS)}"
        second = number * MINUTES * 60 // count
        event = {
            "id": f"{seed}-{number}",
            "key": key,
            "time": f"2026-11-01T00:{second // 60:02d}:{second % 60:02d}.{number % 1000:03d}Z",
            "units": chance.randrange(1, 1000),
            "unit": "cpu_seconds",
        }
        yield key.encode(), orjson.dumps(event)


def expected(count: int, seed: int) -> dict[Cell, int]:
    """Return the right sums."""
    sums: defaultdict[Cell, int] = defaultdict(int)
    for _, value in events(count, seed):
        event = orjson.loads(value)
        sums[event["key"], event["time"][:MINUTE]] += event["units"]
    return dict(sums)
