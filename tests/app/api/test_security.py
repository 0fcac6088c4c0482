"""Who may do what: tokens, hosts and other people's pages."""

from __future__ import annotations

import pytest

from app.access_tokens import Token
from app.api.guard import is_loopback
from domain.scope import Scope
from tests.app.api.fakes import NOW, Fact, World, worker

READ, WRITE, ADMIN, BOUND = (f"secret-of-the-{name}" for name in ("reader", "writer", "admin", "bound"))
TOKENS = (
    Token("reader", READ, None, frozenset({"read"})),
    Token("writer", WRITE, None, frozenset({"write"})),
    Token("admin", ADMIN, None, frozenset({"read", "write", "admin"})),
    Token("bound", BOUND, frozenset({"acme"}), frozenset({"read", "write", "admin"})),
)
READS = ("/costs", "/unit-costs", "/budgets", "/budgets/all", "/flags", "/anomalies", "/metrics")


@pytest.fixture
def world() -> World:
    world = World(tokens=TOKENS)
    world.view.show("workers", **{"worker-0": worker()})
    return world


@pytest.mark.parametrize("path", [*READS, "/dead-letters"])
async def test_without_a_token_everything_is_closed(world: World, path: str) -> None:
    for secret in (None, "not-a-token-of-ours", READ[:-1]):
        answer = await world.refusal("GET", path, secret)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("path", READS)
async def test_reading_needs_the_right_to_read(world: World, path: str) -> None:
    assert (await world.refusal("GET", path, WRITE)).status_code == 403
    async with world.client(READ) as client:
        assert (await client.get(path)).status_code in {200, 404}


@pytest.mark.parametrize(("method", "path"), [("POST", "/events"), ("PUT", "/budgets/all"), ("DELETE", "/budgets/all")])
async def test_writing_needs_the_right_to_write(world: World, method: str, path: str) -> None:
    assert (await world.refusal(method, path, READ, json={})).status_code == 403
    assert world.publisher.sent == []


async def test_dead_letters_are_for_an_unbound_admin(world: World) -> None:
    for secret in (READ, WRITE, BOUND):
        assert (await world.refusal("GET", "/dead-letters", secret)).status_code == 403
    world.view.letters = [b'{"id":"2"}', b'{"id":"1"}']
    assert await world.get("/dead-letters", ADMIN, limit=1) == {"dead_letters": [{"id": "2"}], "next": "2"}


async def test_a_bound_token_sees_the_costs_of_its_tenants_only(world: World) -> None:
    minute = int(NOW) // 60 * 60 - 600
    world.view.facts = [Fact(minute, Scope(tenant)) for tenant in ("acme", "hooli")]
    assert (await world.get("/costs", ADMIN))["total"] == "2.00"
    assert (await world.get("/costs", BOUND))["total"] == "1.00"
    groups = (await world.get("/costs", BOUND, group_by="tenant"))["groups"]
    assert [group["key"] for group in groups] == [{"tenant": "acme"}]
    for path in ("/costs", "/unit-costs", "/anomalies"):
        answer = await world.refusal("GET", path, BOUND, params={"tenant": ["acme", "hooli"]})
        assert answer.status_code == 403


async def test_a_bound_token_sees_the_anomalies_of_its_tenants_only(world: World) -> None:
    start = {"start": "2026-11-01T00:00:00Z"}
    scopes = {"a": {"tenant": "acme"}, "b": {"tenant": "hooli"}, "c": {"feature": "ai-search"}}
    world.view.show("anomalies", **{name: {"scope": scope, "window": start} for name, scope in scopes.items()})
    assert len((await world.get("/anomalies", ADMIN))["anomalies"]) == 3
    assert [each["scope"] for each in (await world.get("/anomalies", BOUND))["anomalies"]] == [{"tenant": "acme"}]


async def test_metrics_are_not_for_bound_tokens(world: World) -> None:
    assert (await world.refusal("GET", "/metrics", BOUND)).status_code == 403


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1:8000", True),
        ("127.9.9.9", True),
        ("localhost:8000", True),
        ("LOCALHOST", True),
        ("api.localhost", True),
        ("[::1]:8000", True),
        ("::1:8000", True),
        ("", False),
        ("evil.example", False),
        ("evil.example:8000", False),
        ("127.0.0.1.evil.example", False),
        ("localhost.evil.example", False),
        ("127.0.0.1@evil.example", False),
        ("10.0.0.5:8000", False),
        ("0.0.0.0:8000", False),
        ("[::1", False),
        ("[fe80::1]", False),
    ],
)
def test_only_names_of_loopback_are_loopback(host: str, expected: bool) -> None:  # noqa: FBT001
    assert is_loopback(host) is expected


async def test_a_rebound_name_is_refused_while_there_are_no_tokens() -> None:
    world = World()
    for path in ("/costs", "/healthz", "/openapi.json"):
        async with world.client(host="evil.example") as client:
            answer = await client.get(path)
        assert answer.status_code == 421
        assert answer.headers["content-type"] == "application/problem+json"
    async with World(tokens=TOKENS).client(READ, host="costs.example.com") as client:
        assert (await client.get("/costs")).status_code == 200


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ({"origin": "https://evil.example"}, True),
        ({"origin": "null"}, True),
        ({"origin": "http://127.0.0.1:9999"}, True),
        ({"origin": "http://["}, True),
        ({"sec-fetch-site": "cross-site"}, True),
        ({"sec-fetch-site": "same-site"}, True),
        ({"origin": "http://127.0.0.1:8000", "sec-fetch-site": "same-origin"}, False),
        ({}, False),
    ],
)
async def test_a_page_of_another_site_cannot_write(headers: dict[str, str], refused: bool) -> None:  # noqa: FBT001
    world = World()
    async with world.client() as client:
        written = await client.post("/events", json=[], headers=headers)
        read = await client.get("/costs", headers=headers)
    assert written.status_code == (403 if refused else 202)
    assert read.status_code == 200
    assert "access-control-allow-origin" not in read.headers
