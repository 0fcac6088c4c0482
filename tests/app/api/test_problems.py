"""Whatever goes wrong is an RFC 9457 document that gives nothing away."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.cells import CostRow
    from domain.windows import Window
    from tests.app.api.fakes import World


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/costs/", 404),
        ("PATCH", "/costs", 405),
        ("POST", "/flags", 405),
        ("GET", "/dead-letters?limit=1001", 422),
        ("GET", "/dead-letters?limit=ten", 422),
        ("GET", "/costs?tennant=acme", 422),
        ("GET", "/flags?tenant=acme", 422),
        ("GET", "/budgets?tenant=acme", 422),
        ("DELETE", "/budgets/tenant=acme?force=1", 422),
        ("POST", "/events?dry_run=1", 422),
        ("GET", "/anomalies?since=yesterday", 422),
        ("GET", "/anomalies?since=0001-01-01T00:00:00%2B23:59", 422),
    ],
)
async def test_a_request_that_cannot_be_answered_is_a_problem(
    world: World, method: str, path: str, status: int
) -> None:
    assert (await world.refusal(method, path)).status_code == status


@pytest.mark.parametrize("path", ["/healthz", "/costs", "/flags", "/nowhere", "/costs?window=never"])
async def test_head_is_get_without_the_body(world: World, path: str) -> None:
    async with world.client() as client:
        got, head = await client.get(path), await client.head(path)
    assert (head.status_code, head.headers, head.content) == (got.status_code, got.headers, b"")


async def test_405_tells_what_is_allowed(world: World) -> None:
    answer = await world.refusal("PATCH", "/costs")
    assert "GET" in answer.headers["allow"]
    assert answer.json()["detail"].startswith("this path takes GET")


@pytest.mark.parametrize("path", ["/costs", "/unit-costs", "/budgets", "/flags", "/anomalies", "/dead-letters"])
async def test_a_view_that_is_away_is_503_and_says_when_to_try_again(world: World, path: str) -> None:
    world.view.away = True
    answer = await world.refusal("GET", path)
    assert answer.status_code == 503
    assert answer.headers["retry-after"]


async def test_our_own_mistakes_are_told_by_an_id_and_logged_whole(
    world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def rows(_projection: str, _windows: Sequence[Window]) -> list[CostRow]:
        raise ZeroDivisionError("the secret cause")

    monkeypatch.setattr(world.view, "rows", rows)
    with caplog.at_level(logging.ERROR):
        answer = await world.refusal("GET", "/costs")
    assert (answer.status_code, answer.json()["correlation_id"]) == (httpx.codes.INTERNAL_SERVER_ERROR, "id-1")
    assert "secret cause" not in answer.text
    assert "Traceback" not in answer.text
    assert "id-1" in caplog.text
    assert "the secret cause" in caplog.text


async def test_what_a_client_sent_is_not_repeated_to_it(world: World) -> None:
    answer = await world.refusal("GET", "/dead-letters?limit=hunter2-in-the-wrong-place")
    assert "hunter2" not in answer.text


async def test_a_misspelt_filter_is_refused_rather_than_answered_without_it(world: World) -> None:
    answer = await world.refusal("GET", "/costs?tennant=acme")
    assert answer.json()["detail"] == "tennant: unknown parameter; did you mean tenant?"


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("/costs?window=7d&window=1d", "window"),
        ("/costs?tenant=acme&tenant=globex&group_by=tenant&group_by=team", "group_by"),
        ("/unit-costs?start=2026-06-01&start=2026-06-02", "start"),
        ("/anomalies?since=2026-06-01&since=2026-06-02", "since"),
        ("/dead-letters?limit=1&limit=2", "limit"),
    ],
)
async def test_one_value_given_twice_is_refused_rather_than_the_last_one_taken(
    world: World, question: str, name: str
) -> None:
    answer = await world.refusal("GET", question)
    assert answer.status_code == httpx.codes.BAD_REQUEST
    assert answer.json()["detail"] == f"{name}: given 2 times, and takes one value"


async def test_filters_may_be_given_twice(world: World) -> None:
    async with world.client() as api:
        assert (await api.get("/costs?tenant=acme&tenant=globex&window=1d")).status_code == httpx.codes.OK
