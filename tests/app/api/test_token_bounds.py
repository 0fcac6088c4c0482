"""Every operation of the OpenAPI document, asked with a token that is bound to a tenant: nothing of others, ever.

What an operation needs is listed below; one that is not listed fails the first test, so none can be forgotten.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

import httpx
import orjson
import pytest

from app.access_tokens import Token
from domain import budgets
from domain.money import ZERO
from domain.scope import Scope, parse_filter
from tests.app.api.fakes import NOW, Fact, World, usage, worker

# What is another tenant's has this in every name, key and figure.
THEIRS = "hooli-secret"
READER, WRITER, BOUND_ADMIN, OTHER = (f"secret-of-the-{name}" for name in ("reader", "writer", "bound-admin", "other"))
TOKENS = (
    Token("reader", READER, frozenset({"acme"}), frozenset({"read"})),
    Token("writer", WRITER, frozenset({"acme"}), frozenset({"write"})),
    Token("bound-admin", BOUND_ADMIN, frozenset({"acme"}), frozenset({"read", "write", "admin"})),
    Token("other", OTHER, frozenset({"globex"}), frozenset({"read", "write", "admin"})),
)


class Asked(NamedTuple):
    """How to ask an operation about another tenant, and which statuses refuse it; empty: it answers without them."""

    path: str
    right: str | None
    refused: frozenset[int] = frozenset()
    body: Any = None


def _refused(*statuses: int) -> frozenset[int]:
    return frozenset(statuses)


OPERATIONS: dict[tuple[str, str], list[Asked]] = {
    ("get", "/healthz"): [Asked("/healthz", None)],
    ("get", "/readyz"): [Asked("/readyz", None)],
    ("get", "/metrics"): [Asked("/metrics", "read", _refused(403))],
    ("get", "/dead-letters"): [Asked("/dead-letters", "admin", _refused(403))],
    ("get", "/flags"): [Asked("/flags", "read")],
    ("get", "/budgets"): [Asked("/budgets", "read")],
    ("get", "/anomalies"): [
        Asked("/anomalies", "read"),
        Asked(f"/anomalies?tenant={THEIRS}", "read", _refused(403)),
    ],
    ("post", "/events"): [Asked("/events", "write", _refused(403), [usage("e", tenant=THEIRS)])],
} | {
    ("get", f"/{name}"): [
        Asked(f"/{name}", "read"),
        Asked(f"/{name}?tenant={THEIRS}", "read", _refused(403)),
        Asked(f"/{name}?tenant=acme&tenant={THEIRS}", "read", _refused(403)),
    ]
    for name in ("costs", "unit-costs", "allocations", "remediation", "reconciliation")
}
for method, template in (
    ("get", "/budgets/{scope}"),
    ("get", "/budgets/{scope}/status"),
    ("put", "/budgets/{scope}"),
    ("post", "/budgets/{scope}"),
    ("delete", "/budgets/{scope}"),
):
    OPERATIONS[method, template] = [
        Asked(
            template.replace("{scope}", scope),
            "read" if method == "get" else "write",
            _refused(403),
            {"limit": "1"} if method in {"put", "post"} else None,
        )
        for scope in (f"tenant={THEIRS}", f"tenant%3D{THEIRS}", f"tenant={THEIRS},feature=x", "feature=x", "all")
    ]
for method, template, body in (
    ("get", "/anomalies/{anomaly_id}", None),
    ("get", "/anomalies/{anomaly_id}.svg", None),
    ("post", "/anomalies/{anomaly_id}/feedback", {"verdict": "yes"}),
):
    OPERATIONS[method, template] = [
        Asked(
            template.replace("{anomaly_id}", f"a-{THEIRS}"),
            "read" if method == "get" else "write",
            _refused(403, 404),
            body,
        )
    ]
EVERY = [(*operation, asked) for operation, ways in OPERATIONS.items() for asked in ways]


@pytest.fixture
def world() -> World:
    """A world in which everything there is to see is another tenant's."""
    world = World(tokens=TOKENS, budget_wait=0.0)
    theirs = {"tenant": THEIRS}
    minute = int(NOW) // 60 * 60 - 600
    world.view.facts = [Fact(minute, Scope(THEIRS, feature=THEIRS, service=THEIRS), Decimal(77), cost_unit="request")]
    budget = budgets.define(parse_filter(f"tenant={THEIRS}"), {"limit": "77"}, "USD")
    assert isinstance(budget, budgets.Budget)
    period = budget.period_at(int(NOW))
    status = budgets.status_data(budget, period, spent=ZERO, state=budgets.NEW, at=int(NOW))
    world.view.show("budgets", **{budget.id: status})
    anomaly = {"id": f"a-{THEIRS}", "scope": theirs, "window": {"start": "2026-11-01T00:00:00Z"}, "status": "open"}
    world.view.show("anomalies", **{f"a-{THEIRS}": anomaly})
    flag = {"key": THEIRS, "budget_id": budget.id, "scope": theirs, "variants": ["off", THEIRS], "variant": THEIRS}
    world.view.show("flags", **{THEIRS: flag})
    world.view.show("workers", **{"worker-0": worker(), "effects-0": worker("effects")})
    world.view.letters = [orjson.dumps({"id": "1", "data": THEIRS})]
    return world


async def ask(world: World, method: str, asked: Asked, secret: str | None) -> httpx.Response:
    async with world.client(secret, host="costs.example.com") as client:
        return await client.request(method, asked.path, json=asked.body)


async def test_no_operation_is_forgotten(world: World) -> None:
    document = await world.get("/openapi.json", READER)
    described = {(method, path) for path, methods in document["paths"].items() for method in methods}
    assert described == OPERATIONS.keys()


@pytest.mark.parametrize(("method", "template", "asked"), EVERY)
async def test_a_bound_token_neither_sees_nor_writes_what_is_anothers(
    world: World, method: str, template: str, asked: Asked
) -> None:
    for secret in (BOUND_ADMIN, OTHER):
        answer = await ask(world, method, asked, secret)
        if asked.refused:
            assert answer.status_code in asked.refused, (template, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
        else:
            assert answer.status_code in {200, 202}, (template, answer.text)
            assert THEIRS not in answer.text
            assert "77" not in orjson.dumps(answer.json().get("groups", [])).decode()
    assert world.publisher.sent == []


@pytest.mark.parametrize(("method", "template", "asked"), EVERY)
async def test_no_token_and_the_wrong_right_are_refused(world: World, method: str, template: str, asked: Asked) -> None:
    if asked.right is None:
        return
    for secret in (None, "not-a-secret-of-ours", READER[:-1], READER + "x"):
        assert (await ask(world, method, asked, secret)).status_code == 401, template
    without = {"read": WRITER, "write": READER, "admin": READER}[asked.right]
    assert (await ask(world, method, asked, without)).status_code == 403, template
    assert world.publisher.sent == []


async def test_an_answer_that_is_kept_for_one_token_is_not_given_to_another(world: World) -> None:
    """The same question, to the letter, through one API."""
    minute = int(NOW) // 60 * 60 - 600
    world.view.facts = [Fact(minute, Scope(tenant), Decimal(amount)) for tenant, amount in (("acme", 1), ("globex", 2))]
    totals = []
    transport = httpx.ASGITransport(world.app())
    for _ in range(2):
        for secret in (READER, OTHER, WRITER, None):
            headers = {"authorization": f"Bearer {secret}"} if secret else {}
            async with httpx.AsyncClient(transport=transport, base_url="http://x", headers=headers) as client:
                answer = await client.get("/costs?group_by=tenant")
            totals.append(answer.json().get("total", answer.status_code))
    assert totals == ["1.00", "2.00", 403, 401] * 2
