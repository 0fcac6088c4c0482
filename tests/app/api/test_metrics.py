"""`GET /metrics`: the series of every process in one exposition."""

from __future__ import annotations

from app.api.metrics import merged
from tests.app.api.fakes import NOW, World, worker

EXPOSITION = """# HELP costguard_events_total Usage events folded.
# TYPE costguard_events_total counter
costguard_events_total {value}
# HELP costguard_conservation_gap Difference.
# TYPE costguard_conservation_gap gauge
costguard_conservation_gap 0.0
"""


async def scrape(world: World) -> str:
    async with world.client() as client:
        answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return answer.text


async def test_workers_that_live_are_shown_each_under_its_name(world: World) -> None:
    world.view.show("workers", **{"worker-0": worker(), "worker-1": worker(), "worker-2": worker(at=NOW - 60)})
    for number in range(3):
        world.view.shown["metrics"][f"worker-{number}"] = EXPOSITION.format(value=number).encode()
    lines = (await scrape(world)).splitlines()
    assert 'costguard_events_total{process="worker-0"} 0.0' in lines
    assert 'costguard_events_total{process="worker-1"} 1.0' in lines
    assert 'costguard_conservation_gap{process="worker-0"} 0.0' in lines
    assert lines.count("# TYPE costguard_events_total counter") == 1
    assert not any("worker-2" in line for line in lines)


async def test_requests_are_counted_by_route_and_not_by_path(world: World) -> None:
    async with world.client() as client:
        await client.get("/budgets/tenant=a")
        await client.get("/budgets/tenant=b")
        await client.get("/nowhere/else")
        await client.request("BREW", "/coffee")
        text = (await client.get("/metrics")).text
    counted = next(
        line for line in text.splitlines() if line.startswith("costguard_http_requests_total{") and "404" in line
    )
    assert 'route="/budgets/{scope:path}"' in counted
    assert 'process="api"' in counted
    assert counted.endswith(" 2.0")
    assert "nowhere" not in text
    assert "BREW" not in text


async def test_its_own_series_are_there_while_the_view_is_away(world: World) -> None:
    world.view.away = True
    assert "costguard_http_request" in await scrape(world)


def test_histograms_survive_merging() -> None:
    histogram = (
        "# TYPE costguard_batch_events histogram\n"
        'costguard_batch_events_bucket{le="1.0"} 1.0\ncostguard_batch_events_bucket{le="+Inf"} 2.0\n'
        "costguard_batch_events_count 2.0\ncostguard_batch_events_sum 7.0\n"
    )
    text = merged({"a": histogram, "b": histogram}).decode()
    assert text.count("# TYPE costguard_batch_events histogram") == 1
    assert text.count('le="+Inf"') == 2
