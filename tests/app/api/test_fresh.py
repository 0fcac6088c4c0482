"""Answers over a real Redis: kept for as long as nothing has changed, and never a moment longer."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from redis.asyncio import Redis

from app.adapters import embedded_redis
from app.adapters.loopback import free_port
from app.adapters.redis_view import RedisView
from app.api.create import create_api
from app.configuration import Configuration
from app.supervisor.child import Child, Spec
from app.supervisor.probes import until
from app.topics import Topics
from domain.cost_rows import Line, Place, ProjectionRow
from domain.projecting import Delta, by_projection
from domain.rejection import Rejected
from domain.windows import DAY, HOUR, MINUTE, Granularity, Window, floor
from tests.app.api.view_of_events import NoPublisher, no_partitions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from app.adapters.redis_view import Shown

pytestmark = pytest.mark.live

NOW = 20_000 * DAY + 5 * HOUR + 17 * MINUTE + 12.5
AN_HOUR_AGO, LONG_AGO, VERY_LONG_AGO = NOW - HOUR, NOW - 20 * DAY, NOW - 30 * DAY
QUESTIONS: list[dict[str, Any]] = [
    {"window": "30d", "group_by": "tenant,feature"},
    {"window": "30d", "group_by": "feature,service"},
    {"window": "30d", "granularity": "day"},
    {"window": "24h", "granularity": "hour", "group_by": "tenant"},
    {"window": "30d", "tenant": "acme"},
]


class Clock:
    now = NOW

    def __call__(self) -> float:
        return self.now


class Shop:
    """Spends, and shows what it has spent as a worker does."""

    def __init__(self, view: RedisView) -> None:
        self._view = view
        self._spent: dict[tuple[Place, Line], Decimal] = {}
        self._position = 0

    async def spend(self, at: float, amount: str, tenant: str = "acme") -> None:
        line = Line((tenant, "production", "search", "ranker", "core"), "compute.requests", "metered", "")
        self._position += 1
        rows: Shown = {}
        for granularity in Granularity:
            window = Window(granularity, floor(int(at), granularity.seconds))
            for projection, lines in by_projection({line: Delta(1, 1, Decimal(1), Decimal(amount))}):
                place = Place(window, projection)
                for projected in lines:
                    cell = place, projected
                    spent = self._spent[cell] = self._spent.get(cell, Decimal(0)) + Decimal(amount)
                    rows[0, place] = {projected: (self._position, ProjectionRow(1, 1, Decimal(1), spent, 0))}
        await self._view.put_costs(rows)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def api(view: RedisView, clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(view, clock) as client:
        yield client


def client_of(view: RedisView, clock: Clock) -> httpx.AsyncClient:
    app = create_api(
        Configuration(),
        view=view,
        publisher=NoPublisher(),
        topics=Topics(""),
        clock=clock,
        validate_usage=lambda _: Rejected("not asked"),
        partition_counts=no_partitions,
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1")


async def total(api: httpx.AsyncClient, question: dict[str, Any]) -> Decimal:
    answer = await api.get("/costs", params=question)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert sum(Decimal(group["amount"]) for group in body["groups"]) == Decimal(body["total"])
    return Decimal(body["total"])


@pytest.mark.parametrize("question", QUESTIONS)
async def test_a_changed_cell_is_in_the_next_answer(
    view: RedisView, api: httpx.AsyncClient, question: dict[str, Any]
) -> None:
    shop, ask = Shop(view), partial(total, api, question)
    expected = Decimal(0)
    assert await ask() == expected
    times = [NOW, AN_HOUR_AGO] if question["window"] == "24h" else [NOW, LONG_AGO, AN_HOUR_AGO, VERY_LONG_AGO + 90]
    for number, at in enumerate([*times, *times]):
        await shop.spend(at, f"0.{number + 1:07}")
        expected += Decimal(f"0.{number + 1:07}")
        assert await ask() == expected
        assert await ask() == expected


async def test_an_answer_is_sent_again_only_when_it_has_changed(view: RedisView, api: httpx.AsyncClient) -> None:
    shop, question = Shop(view), {"group_by": "tenant"}
    await shop.spend(LONG_AGO, "1")
    first = await api.get("/costs", params=question)
    headers = {"if-none-match": first.headers["etag"]}
    same = await api.get("/costs", params=question, headers=headers)
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", first.headers["etag"])
    await shop.spend(LONG_AGO, "1")
    changed = await api.get("/costs", params=question, headers=headers)
    assert (changed.status_code, changed.json()["total"]) == (200, "2.00")
    assert changed.headers["etag"] != first.headers["etag"]


async def test_how_complete_the_figures_are_is_never_kept(view: RedisView, api: httpx.AsyncClient) -> None:
    answers = []
    for watermark in (20_000 * DAY, 20_000 * DAY + 7):
        await view.put_documents("progress", {"meter:0": b'{"watermark":%d}' % watermark})
        answers.append(await api.get("/costs"))
    first, second = (answer.json()["completeness"]["metered"]["watermark"] for answer in answers)
    assert (first[-3:], second[-3:]) == ("00Z", "07Z")
    assert answers[0].headers["etag"] != answers[1].headers["etag"]


async def test_bills_that_become_complete_change_the_best_figure(view: RedisView, api: httpx.AsyncClient) -> None:
    await Shop(view).spend(LONG_AGO, "1")
    question = {"source": "best"}
    assert await total(api, question) == 1
    # From now on usage of no provider in particular is on a bill, and this one has nothing of it.
    await view.put_documents("progress", {"bills:0": b'{"complete_until":{"aws":{"1":%d}}}' % NOW})
    assert await total(api, question) == 0
    await view.put_documents("progress", {"bills:0": None})
    assert await total(api, question) == 1


async def test_a_relative_window_moves_with_the_clock(view: RedisView, api: httpx.AsyncClient, clock: Clock) -> None:
    await Shop(view).spend(NOW, "1")
    question = {"window": "1h"}
    assert await total(api, question) == 1
    clock.now = NOW + HOUR
    assert await total(api, question) == 1
    clock.now = NOW + HOUR + MINUTE
    assert await total(api, question) == 0


async def test_minutes_that_are_forgotten_widen_the_answer_at_once(view: RedisView, api: httpx.AsyncClient) -> None:
    await Shop(view).spend(VERY_LONG_AGO - 60, "1")
    question = {"window": "30d"}
    assert await total(api, question) == 0
    minute = Window(Granularity.MINUTE, floor(int(VERY_LONG_AGO) - 60, MINUTE))
    assert await view._redis.delete(view._cost_key(minute, "all")) == 1
    # The hour is still there: never less than what it cost.
    assert await total(api, question) == 1


async def test_an_emptied_redis_is_empty_at_once(view: RedisView, api: httpx.AsyncClient) -> None:
    shop, question = Shop(view), {"group_by": "feature,service"}
    await shop.spend(LONG_AGO, "1")
    assert await total(api, question) == 1
    await view.wipe()
    assert await total(api, question) == 0
    await shop.spend(LONG_AGO, "0")
    assert await total(api, question) == 1


async def test_a_redis_that_went_away_is_told_and_answered_from_again(tmp_path: Path, clock: Clock) -> None:
    port = free_port()
    server = Child(Spec("redis", embedded_redis.program(port), tmp_path / "redis.log", tmp_path))
    await server.start()
    view = RedisView.connect(embedded_redis.url(port), "test:")
    try:
        assert await until(lambda: embedded_redis.answers(port), 20)
        async with client_of(view, clock) as api:
            await Shop(view).spend(LONG_AGO, "1")
            assert await total(api, {}) == 1
            await server.stop(10)
            # What is known is not told while nobody can say whether it still holds.
            away = await api.get("/costs")
            assert (away.status_code, away.headers["content-type"]) == (503, "application/problem+json")
            assert away.headers["retry-after"]
            await server.start()
            assert await until(lambda: embedded_redis.answers(port), 20)
            assert await total(api, {}) == 0
            await Shop(view).spend(LONG_AGO, "3")
            assert await total(api, {}) == 3
    finally:
        await view.close()
        await server.stop(10)


async def test_a_redis_that_is_too_slow_is_told(
    view: RedisView, api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await Shop(view).spend(LONG_AGO, "1")
    assert await total(api, {}) == 1
    hurried = Redis.from_url(redis_address(view), protocol=2, socket_timeout=0.2)
    monkeypatch.setattr(view, "_standing", RedisView(hurried, "test:")._standing)
    await view._redis.client_pause(2_000)
    slow = await api.get("/costs")
    assert slow.status_code == 503
    await view.ping()
    assert await total(api, {}) == 1
    await hurried.aclose()


def redis_address(view: RedisView) -> str:
    known = view._redis.connection_pool.connection_kwargs
    return f"redis://{known['host']}:{known['port']}/0"


async def test_many_who_ask_different_heavy_questions_at_once_get_right_answers(
    view: RedisView, api: httpx.AsyncClient
) -> None:
    shop = Shop(view)
    for number in range(20):
        await shop.spend(NOW - number * DAY - 60, "0.01", f"tenant-{number % 3}")
    groupings = ["tenant", "feature,service", "tenant,feature", "tenant,team,environment", "driver", ""]
    questions = [{"group_by": group_by, "window": window} for group_by in groupings for window in ("30d", "31d")]
    totals = await asyncio.gather(*[total(api, question) for question in questions * 5])
    assert set(totals) == {Decimal("0.20")}
