"""The OpenAPI document says what the routes do, and what they answer is what it says."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from domain import budgets
from domain.money import ZERO
from domain.scope import parse_filter
from tests.app.api.fakes import NOW, Fact, World, usage, worker

ROUTES = {
    "/costs", "/unit-costs", "/allocations", "/remediation", "/reconciliation",
    "/budgets", "/budgets/{scope}", "/budgets/{scope}/status",
    "/anomalies/{anomaly_id}", "/anomalies/{anomaly_id}.svg", "/anomalies/{anomaly_id}/feedback",
    "/events", "/flags", "/anomalies", "/dead-letters", "/healthz", "/readyz", "/metrics",
}  # fmt: skip


@pytest.fixture
async def document(world: World) -> Any:
    return await world.get("/openapi.json")


def schema_of(document: Any, path: str, method: str, status: str) -> dict[str, Any]:
    content = document["paths"][path][method]["responses"][status]["content"]
    (body,) = content.values()
    return {**body["schema"], "components": document["components"]}


async def test_every_route_of_the_contract_is_described(document: Any) -> None:
    assert document["paths"].keys() == ROUTES
    assert document["paths"]["/budgets/{scope}"].keys() == {"get", "put", "post", "delete"}


async def test_every_operation_tells_its_problems_and_none_is_fastapis(document: Any) -> None:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for status, response in operation["responses"].items():
                if int(status) >= 400 and not (path == "/readyz" and status == "503"):
                    assert set(response["content"]) == {"application/problem+json"}, (path, method, status)
            assert "500" in operation["responses"]
            assert operation.get("summary")
    assert "HTTPValidationError" not in document["components"]["schemas"]


async def test_operations_with_data_need_a_token(document: Any) -> None:
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert ("security" in operation) is (path not in {"/healthz", "/readyz"}), path


async def test_answers_are_as_described(world: World, document: Any) -> None:
    budget = budgets.define(parse_filter("tenant=acme"), {"limit": "5", "flags": []}, "USD")
    assert isinstance(budget, budgets.Budget)
    status = budgets.status_data(budget, budget.period_at(int(NOW)), spent=ZERO, state=budgets.NEW, at=int(NOW))
    world.view.show("budgets", **{budget.id: status})
    world.view.show("workers", **{"worker-0": worker(), "effects-0": worker("effects")})
    world.view.facts = [Fact(int(NOW) // 60 * 60 - 600, cost_unit="request"), Fact(int(NOW) // 60 * 60 - 660)]
    for path, parameters in {
        "/costs": {"group_by": "tenant,driver", "granularity": "hour"},
        "/unit-costs": {},
        "/allocations": {},
        "/remediation": {"dimension": "tenant"},
        "/reconciliation": {},
        "/budgets": {},
        "/flags": {},
        "/anomalies": {},
        "/dead-letters": {},
        "/healthz": {},
        "/readyz": {},
    }.items():
        answer = await world.get(path, **parameters)
        jsonschema.validate(answer, schema_of(document, path, "get", "200"))
    one = await world.get("/budgets/tenant=acme/status")
    jsonschema.validate(one, schema_of(document, "/budgets/{scope}/status", "get", "200"))
    async with world.client() as client:
        sent = await client.post("/events", json=[usage("a"), usage("b", units="x")])
    jsonschema.validate(sent.json(), schema_of(document, "/events", "post", "202"))


async def test_a_problem_is_as_described(world: World, document: Any) -> None:
    answer = await world.refusal("GET", "/costs", params={"window": "never"})
    jsonschema.validate(answer.json(), schema_of(document, "/costs", "get", "422"))
