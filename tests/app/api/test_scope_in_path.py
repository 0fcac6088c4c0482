"""Any value can be named in a path, and each way in which clients encode one comes to the same scope."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.scope_in_path import ROOT, STATUS, path_of, scope_of
from domain import budgets
from domain.budgets import Budget, SetBudget, budget_id, parse_command
from domain.money import ZERO
from domain.scope import DIMENSIONS, ScopeFilter, parse_filter
from tests.app.api.fakes import World

ROUTE = "/budgets/{scope:path}"
STRANGE = [
    "x/status", "/status", "a,b", "a,feature=b", "a=b", "100%", "50%25", "%2C", " a ", "a b", "a+b", "a?b#c", "..",
    "all", "Čeština", "日本語", "🦆", "a%", "%", "%zz", '"', "a;b", "a\\b",
]  # fmt: skip
names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20) | st.sampled_from(STRANGE)
scopes = st.dictionaries(st.sampled_from(DIMENSIONS), names).map(
    lambda terms: ScopeFilter(tuple((name, terms[name]) for name in DIMENSIONS if name in terms))
)


@given(scopes)
def test_every_scope_is_read_back_from_its_text_and_from_its_path(scope: ScopeFilter) -> None:
    assert parse_filter(str(scope)) == scope
    assert scope_of(path_of(scope), ROUTE) == scope
    assert scope_of(path_of(scope) + STATUS, ROUTE + STATUS) == scope
    # A client that encodes the whole text as one segment of a path.
    assert scope_of(ROOT + quote(str(scope), safe=""), ROUTE) == scope


@pytest.mark.parametrize(
    "path",
    [
        "tenant=acme,feature=ai-search",
        "feature=ai-search,tenant=acme",
        "tenant%3Dacme%2Cfeature%3Dai-search",
        "tenant=acme%2Cfeature=ai-search",
        "tenant=acme%2c%20feature=ai-search",
        "tenant=acme,%20feature=ai%2Dsearch",
    ],
)
def test_however_a_client_encodes_it(path: str) -> None:
    assert str(scope_of(ROOT + path, ROUTE)) == "tenant=acme,feature=ai-search"


def test_plain_texts_are_what_they_were() -> None:
    """Ids of budgets are hashes of them."""
    for text in ("tenant=acme", "tenant=50%,feature=a=b", "team=Čeština", "service=a b", "all"):
        assert str(parse_filter(text)) == text


@pytest.mark.parametrize("path", ["tenant=%ff", "nobody=x", "tenant=", "tenant=a,tenant=b", "tenant=" + "a" * 257, ""])
def test_what_is_no_scope_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="scope"):
        scope_of(ROOT + path, ROUTE)


@pytest.fixture
def world() -> World:
    world = World(budget_wait=5.0)

    def carry_out(_topic: str, _key: bytes | None, value: bytes | None) -> None:
        command = parse_command(value, (), "USD")
        identifier = budget_id(command.scope)  # type: ignore[union-attr]
        if isinstance(command, SetBudget):
            world.view.show("budgets", **{identifier: _status(command.budget, world)})
        else:
            world.view.shown["budgets"].pop(identifier, None)

    world.publisher.on_send = carry_out
    return world


def _status(budget: Budget, world: World) -> dict[str, object]:
    return budgets.status_data(
        budget, budget.period_at(int(world.now)), spent=ZERO, state=budgets.NEW, at=int(world.now)
    )


@pytest.mark.parametrize("name", STRANGE)
async def test_a_budget_of_any_name_is_set_read_and_deleted(world: World, name: str) -> None:
    scope = ScopeFilter((("tenant", name), ("feature", "chat")))
    path = path_of(scope)
    async with world.client() as client:
        made = await client.put(path, json={"limit": "5"})
        assert (made.status_code, made.headers["location"]) == (201, path)
        assert made.json()["scope"] == {"tenant": name, "feature": "chat"}
        for at in (path, path + STATUS):
            found = await client.get(at)
            assert (found.status_code, found.json()) == (200, made.json())
        (listed,) = (await client.get("/budgets")).json()["budgets"]
        assert listed == made.json()
        assert (await client.delete(path)).status_code == 204
        assert (await client.get(path)).status_code == 404


async def test_the_budget_of_one_tenant_is_not_the_status_of_another(world: World) -> None:
    async with world.client() as client:
        await client.put("/budgets/tenant=x", json={"limit": "1"})
        await client.put("/budgets/tenant=x%2Fstatus", json={"limit": "2"})
        limits = [
            (await client.get(f"/budgets/tenant=x{end}")).json()["limit"]
            for end in ("", "/status", "%2Fstatus", "%2Fstatus/status", "%2fstatus")
        ]
    assert limits == ["1.00", "1.00", "2.00", "2.00", "2.00"]
