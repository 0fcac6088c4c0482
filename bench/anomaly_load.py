"""`python -m bench.anomaly_load`: a year of hours of 1,000 scopes, and a long list of anomalies; JSON lines.

The year goes through detection as the agent runs it, over a table in a dictionary; the bytes of its rows and the memory
of the process are counted. The list is `GET /anomalies` over Redis: 1,000 anomalies, the 48 hours of each beside them.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
import time
from decimal import Decimal
from statistics import median
from typing import TYPE_CHECKING, Final

import httpx
import orjson
import psutil

from app.adapters.redis_view import RedisView
from bench.api.bench import VIEW_PREFIX, serving
from bench.detection import Packed
from bench.servers import servers
from domain.anomaly.calendar import SATURDAY, AnomalySettings, weekday
from domain.anomaly.detection import Hourly
from domain.anomaly.episodes import Episode, document, series
from domain.anomaly.hours import HourLine
from domain.anomaly.state import encode_state
from domain.windows import DAY, HOUR

if TYPE_CHECKING:
    from collections.abc import Iterator

START: Final = 1_756_684_800  # a Monday
SCOPES: Final = 1_000
HOURS: Final = 365 * 24
KEPT: Final = 90 * DAY
LISTED: Final = 1_000
ASKED: Final = 30


def lines_of(hour: int, rng: random.Random) -> Iterator[HourLine]:
    """Yield what 1,000 scopes of 50 tenants spend in an hour; one in a hundred thousand times tenfold."""
    rest = 0.4 if weekday(hour) >= SATURDAY else 1.0
    rhythm = rest * (1.5 + math.sin(hour % DAY / DAY * 2 * math.pi))
    for number in range(SCOPES):
        value = (1 + number % 40) * rhythm * rng.uniform(0.9, 1.1) * (10.0 if rng.random() < 1e-5 else 1.0)
        scope = (f"t{number % 50}", "prod", f"f{number % 20}", f"s{number // 100}", "team")
        yield HourLine(scope, "compute.requests", 10, Decimal(100), Decimal(f"{value:.4f}"))


def year(hours: int = HOURS) -> dict[str, Episode]:
    """Play a year; print what it takes, a quarter at a time; return the anomalies that are kept."""
    rng = random.Random(7)  # noqa: S311 - spend, not a secret
    table, episodes, process = Packed(), dict[str, Episode](), psutil.Process()
    cpu = time.process_time()
    for at in range(hours):
        hour = START + at * HOUR
        hourly = Hourly(table, episodes, AnomalySettings())
        for _ in hourly.hour(hour, lines_of(hour, rng), at):
            pass
        table.rows |= {key: encode_state(state) for key, state in hourly.states.items()}
        episodes |= hourly.keeper.changed
        if hour % DAY == 0:
            episodes = {name: each for name, each in episodes.items() if not each.closed or each.closed > hour - KEPT}
        if (at + 1) % (hours // 4) == 0:
            figure = {
                "figure": "year_of_hours",
                "hours": at + 1,
                "scopes_and_drivers": len(table.rows),
                "table_mb": round(sum(map(len, table.rows.values())) / 1e6, 1),
                "process_mb": round(process.memory_info().rss / 1e6),
                "anomalies": len(episodes),
                "cpu_seconds": round(time.process_time() - cpu),
                "largest_row_bytes": max(map(len, table.rows.values())),
                "cpu_us_per_scope_and_hour": round((time.process_time() - cpu) / (at + 1) / len(table.rows) * 1e6, 1),
            }
            print(json.dumps(figure), flush=True)
    return episodes


async def listed(redis: str, base: str, one: Episode) -> None:
    """Ask for a list of many anomalies like one; print how long an answer takes."""
    view = RedisView.connect(redis, VIEW_PREFIX)
    shown = document(one, "USD") | {"series": series(one)}
    await view.put_documents(
        "anomalies", {f"a-{n}": orjson.dumps(shown | {"anomaly_id": f"a-{n}"}) for n in range(LISTED)}
    )
    await view.close()
    seconds = []
    async with httpx.AsyncClient(base_url=base, timeout=60) as client:
        for _ in range(ASKED):
            started = time.perf_counter()
            found = (await client.get("/anomalies")).raise_for_status().json()["anomalies"]
            seconds.append(time.perf_counter() - started)
            if len(found) != LISTED:
                raise ValueError(f"{len(found)} of {LISTED} anomalies")
    figure = {"figure": "anomalies_listed", "anomalies": LISTED, "bytes_each": len(orjson.dumps(shown))}
    print(json.dumps(figure | {"median_ms": round(1000 * median(seconds), 1), "max_ms": round(1000 * max(seconds), 1)}))


def main() -> None:
    """Measure both."""
    episodes = year()
    one = next(each for each in episodes.values() if each.series)
    with servers("embedded") as running, serving(running) as api:
        asyncio.run(listed(running.redis, api.base, one))


if __name__ == "__main__":
    main()
