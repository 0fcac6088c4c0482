"""Contract events for benchmarks: about 400 bytes, 30 % LLM calls, a given number of scopes, one id each."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator

TENANTS = 50
# Live traffic at this speed passes through a minute or two, not through a day.
MINUTES = 2


def usage_events(count: int, scopes: int, seed: int = 1) -> Iterator[tuple[bytes, bytes]]:
    """Yield `(key, value)` of usage events whose times advance over `MINUTES` minutes."""
    chance = random.Random(seed)  # noqa: S311 - reproducible, not secret
    for number in range(count):
        scope = chance.randrange(scopes)
        second = number * MINUTES * 60 // count
        llm = chance.random() < 0.3
        data = {
            "tenant": f"tenant-{scope % TENANTS}",
            "environment": "production",
            "feature": f"feature-{scope // TENANTS % 20}",
            "service": f"service-{scope // TENANTS}",
            "team": f"team-{scope % 7}",
            "cost_unit": "request",
            "latency_ms": round(chance.random() * 200, 1),
            "status": "ok",
        }
        if llm:
            data |= {
                "resource_type": "third_party.llm_tokens",
                "attributes": {"provider": "openai", "model": "gpt-4o"},
                "usage": {"input_tokens": chance.randrange(100, 9000), "output_tokens": chance.randrange(10, 900)},
            }
        else:
            data |= {
                "resource_type": "compute.cpu_seconds",
                "units": chance.randrange(1, 1000) / 8,
                "attributes": {"provider": "aws", "region": "eu-west-1"},
            }
        identifier = f"{seed}-{number}"
        event = {
            "specversion": "1.0",
            "id": identifier,
            "source": "/bench",
            "type": "costguard.usage.metered",
            "time": f"2026-11-01T00:{second // 60:02d}:{second % 60:02d}.{number % 1000:03d}Z",
            "datacontenttype": "application/json",
            "data": data,
        }
        yield identifier.encode(), orjson.dumps(event)
