"""`/budgets`: commands that are carried out by workers, and what is told while they are not."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from app.access_tokens import Token
from domain import budgets
from domain.money import ZERO
from domain.scope import parse_filter
from tests.app.api.fakes import NOW, TOPICS, World

SCOPE = "tenant=acme,feature=ai-search"
BODY = {"limit": "100.00", "thresholds": [0.7, 0.85, 1.0], "flags": [{"key": "tier", "at": 0.85, "variant": "slow"}]}
SECRET = "0123456789abcdef"  # noqa: S105 - a test's


@pytest.fixture
def world() -> World:
    """A world whose workers carry a command out as soon as it is sent."""
    world = World(budget_wait=5.0)

    def carry_out(_topic: str, _key: bytes | None, value: bytes | None) -> None:
        command = budgets.parse_command(value, (), "USD")
        identifier = budgets.budget_id(command.scope)  # type: ignore[union-attr]
        if isinstance(command, budgets.SetBudget):
            show(world, command.budget)
        else:
            world.view.shown["budgets"].pop(identifier, None)

    world.publisher.on_send = carry_out
    return world


def show(world: World, budget: budgets.Budget) -> None:
    period = budget.period_at(int(NOW))
    status = budgets.status_data(budget, period, spent=ZERO, state=budgets.NEW, at=None)
    world.view.show("budgets", **{budget.id: status})


def existing(world: World, scope: str = SCOPE, **body: Any) -> budgets.Budget:
    budget = budgets.define(parse_filter(scope), BODY | body, "USD")
    assert isinstance(budget, budgets.Budget)
    show(world, budget)
    return budget


@pytest.mark.parametrize("method", ["PUT", "POST"])
async def test_a_new_budget_is_answered_once_it_is_in_force(world: World, method: str) -> None:
    async with world.client() as client:
        answer = await client.request(method, f"/budgets/{SCOPE}", json=BODY)
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/budgets/{SCOPE}"
    assert answer.json() == await world.get(f"/budgets/{SCOPE}/status") == await world.get(f"/budgets/{SCOPE}")
    assert answer.json()["limit"] == "100.00"
    assert answer.json()["thresholds"] == ["0.7", "0.85", "1"]


async def test_the_command_is_a_cloudevent_keyed_by_scope_that_workers_understand(world: World) -> None:
    async with world.client() as client:
        await client.put("/budgets/feature=ai-search, tenant=acme", json=BODY)
    ((topic, key, value),) = world.publisher.sent
    assert (topic, key) == (TOPICS.budget_commands, SCOPE.encode())
    command = budgets.parse_command(value, (), "USD")
    assert command == budgets.SetBudget(budgets.define(parse_filter(SCOPE), BODY, "USD"))  # type: ignore[arg-type]


async def test_a_command_repeated_in_the_same_second_is_the_same_command(world: World) -> None:
    async with world.client() as client:
        for limit in ("1", "1", "2"):
            await client.put(f"/budgets/{SCOPE}", json={"limit": limit})
    first, again, other = (orjson.loads(value or b"")["id"] for _, _, value in world.publisher.sent)
    assert first == again != other


async def test_numbers_reach_the_workers_exactly_as_they_were_written(world: World) -> None:
    async with world.client() as client:
        raw = b'{"limit": 0.100000000000000001, "thresholds": [0.1]}'
        answer = await client.put("/budgets/all", content=raw, headers={"content-type": "application/json"})
    assert answer.json()["limit"] == "0.100000000000000001"


async def test_changing_a_budget_is_200_and_waits_for_the_change(world: World) -> None:
    existing(world, limit="1.00")
    async with world.client() as client:
        answer = await client.put(f"/budgets/{SCOPE}", json=BODY)
    assert (answer.status_code, answer.json()["limit"]) == (200, "100.00")


async def test_a_command_that_no_worker_carried_out_yet_is_202() -> None:
    world = World(budget_wait=0.0)
    async with world.client() as client:
        answer = await client.put(f"/budgets/{SCOPE}", json=BODY)
    assert (answer.status_code, answer.json()["state"]) == (202, "pending")
    assert len(world.publisher.sent) == 1


async def test_a_budget_changed_but_not_yet_in_force_is_not_shown_as_if_it_were() -> None:
    world = World(budget_wait=0.0)
    existing(world, limit="1.00")
    async with world.client() as client:
        answer = await client.put(f"/budgets/{SCOPE}", json=BODY)
    assert answer.status_code == 202


async def test_a_deleted_budget_is_gone(world: World) -> None:
    existing(world)
    async with world.client() as client:
        assert (await client.delete(f"/budgets/{SCOPE}")).status_code == 204
    assert (await world.refusal("GET", f"/budgets/{SCOPE}")).status_code == 404
    assert (await world.refusal("DELETE", f"/budgets/{SCOPE}")).status_code == 404
    assert len(world.publisher.sent) == 1


async def test_budgets_are_listed_whatever_the_order_of_their_terms(world: World) -> None:
    existing(world, "tenant=b")
    existing(world, "all")
    assert [each["scope"] for each in (await world.get("/budgets"))["budgets"]] == [{}, {"tenant": "b"}]
    existing(world)
    assert await world.get("/budgets/feature=ai-search,tenant=acme") == await world.get(f"/budgets/{SCOPE}")


async def test_a_slash_in_a_value_is_part_of_it(world: World) -> None:
    existing(world, "service=a/b")
    assert (await world.get("/budgets/service=a%2Fb/status"))["scope"] == {"service": "a/b"}


@pytest.mark.parametrize(
    "body", [{}, {"limit": "-1"}, {"limit": "1", "perod": "day"}, {"limit": "1", "currency": "EUR"}]
)
async def test_a_budget_that_is_none_is_refused_with_the_reason(world: World, body: Any) -> None:
    answer = await world.refusal("PUT", f"/budgets/{SCOPE}", json=body)
    assert answer.status_code == 422
    assert world.publisher.sent == []


@pytest.mark.parametrize("scope", ["nonsense", "tenant=", "tenant=a,tenant=b", "tennant=a"])
async def test_a_scope_that_is_none_is_refused(world: World, scope: str) -> None:
    assert (await world.refusal("GET", f"/budgets/{scope}")).status_code == 422


@pytest.mark.parametrize("body", [b"[]", b"{", b"NaN", b"{" * 10_000, b'{"limit": 1e999999999999999999999}'])
async def test_a_body_that_is_no_object_is_refused(world: World, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    answer = await world.refusal("PUT", f"/budgets/{SCOPE}", content=body, headers=headers)
    assert answer.status_code in {400, 422}


async def test_nothing_changes_while_the_broker_is_away(world: World) -> None:
    world.publisher.away = True
    answer = await world.refusal("PUT", f"/budgets/{SCOPE}", json=BODY)
    assert answer.status_code == 503
    assert answer.headers["retry-after"]


async def test_a_bound_token_reaches_the_budgets_of_its_tenants_only(world: World) -> None:
    world.tokens = (Token("t", SECRET, frozenset({"acme"}), frozenset({"read", "write"})),)
    for scope in (SCOPE, "tenant=hooli", "feature=ai-search", "all"):
        existing(world, scope)
    assert [each["scope"]["tenant"] for each in (await world.get("/budgets", SECRET))["budgets"]] == ["acme"]
    for scope in ("tenant=hooli", "feature=ai-search", "all"):
        for method in ("GET", "PUT", "DELETE"):
            answer = await world.refusal(method, f"/budgets/{scope}", SECRET, json=BODY)
            assert answer.status_code == 403, (method, scope)
    assert world.publisher.sent == []
