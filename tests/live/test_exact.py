"""Money is exact, whatever the delivery does: repeats, disorder, a second replay of everything."""

from __future__ import annotations

import csv
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.live import fence, usage

if TYPE_CHECKING:
    from tests.live.conftest import Launch

AZURE_TRACE = Path(__file__).parents[3] / "shared" / "data" / "llm_trace_azure_code" / "AzureLLMInferenceTrace_code.csv"


async def test_duplicates_disorder_and_a_replay_change_no_total(launch: Launch) -> None:
    events = usage.Trace(calls=20_000).events()
    expected = usage.costs(events, "tenant", "feature")
    sent = usage.disturbed(events)
    system = launch(config=usage.CONFIG)

    await system.broker.produce(sent)
    await system.until_total(sum(expected.values(), Decimal(0)))
    assert system.costs("tenant", "feature") == expected

    await system.broker.produce(sent)
    await fence.passed(system, {tenant for tenant, _ in expected})
    replayed = system.costs("tenant", "feature")
    assert {key: amount for key, amount in replayed.items() if not key[1].startswith("fence-")} == expected


async def test_the_parts_of_every_dimension_sum_to_the_whole(launch: Launch) -> None:
    events = usage.Trace(calls=5_000, seed=3).events()
    whole = sum(usage.costs(events, "tenant").values(), Decimal(0))
    system = launch(config=usage.CONFIG)

    await system.broker.produce(events)
    await system.until_total(whole)
    for dimension in ("tenant", "environment", "feature", "service", "team"):
        assert sum(system.costs(dimension).values(), Decimal(0)) == whole
    assert system.costs("tenant", "feature") == usage.costs(events, "tenant", "feature")
    assert _gaps(system.request("GET", "/metrics").text) == {0.0}


async def test_a_real_trace_costs_what_the_price_list_says(launch: Launch) -> None:
    if not AZURE_TRACE.exists():
        pytest.skip(f"the trace is not here: {AZURE_TRACE}")
    events = _azure_events()
    expected: dict[tuple[str, ...], Decimal] = {}
    for call in events:
        tokens = call["data"]["usage"]
        amount = tokens["input_tokens"] * Decimal("2.5") + tokens["output_tokens"] * Decimal(10)
        tenant = (call["data"]["tenant"],)
        expected[tenant] = expected.get(tenant, Decimal(0)) + amount / usage.PER_MILLION
    system = launch()

    await system.broker.produce(usage.disturbed(events))
    await system.until_total(sum(expected.values(), Decimal(0)))
    assert system.costs("tenant") == expected


def _azure_events() -> list[usage.Event]:
    with AZURE_TRACE.open() as lines:
        rows = list(csv.DictReader(lines))
    return [
        usage.event(
            f"azure-{number}",
            at=datetime.fromisoformat(f"{row['TIMESTAMP'].strip()[:26]}+00:00"),
            tenant=f"tenant-{number % 5}",
            attributes={"provider": "openai", "model": "gpt-4o"},
            usage={"input_tokens": int(row["ContextTokens"]), "output_tokens": int(row["GeneratedTokens"])},
        )
        for number, row in enumerate(rows)
    ]


def _gaps(exposition: str) -> set[float]:
    lines = (line for line in exposition.splitlines() if line.startswith("costguard_conservation_gap"))
    return {float(line.split()[-1]) for line in lines}
