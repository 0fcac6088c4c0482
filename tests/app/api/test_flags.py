"""`GET /flags`: a flag set with a strong ETag."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from app.access_tokens import Token

if TYPE_CHECKING:
    from tests.app.api.fakes import World

SECRET = "0123456789abcdef"  # noqa: S105 - a test's


def switch(world: World, key: str, variant: str | None, **scope: str) -> None:
    state: dict[str, Any] = {"key": key, "budget_id": f"b-{scope}", "scope": scope, "variants": ["throttled"]}
    world.view.show("flags", **{f"{key}\x1f{scope}": state | {"variant": variant, "at": "0.85"}})


async def test_a_switched_flag_changes_the_etag_and_the_same_flags_do_not(world: World) -> None:
    switch(world, "tier", None, tenant="acme")
    async with world.client() as client:
        before = await client.get("/flags")
        same = await client.get("/flags", headers={"if-none-match": before.headers["etag"]})
        switch(world, "tier", "throttled", tenant="acme")
        after = await client.get("/flags", headers={"if-none-match": before.headers["etag"]})
    assert (before.status_code, same.status_code, after.status_code) == (200, 304, 200)
    assert same.content == b""
    assert same.headers["etag"] == before.headers["etag"] != after.headers["etag"]
    assert before.headers["etag"].startswith('"')
    assert "no-cache" in before.headers["cache-control"]
    assert "throttled" in str(after.json()["flags"]["tier"]["targeting"])


@pytest.mark.parametrize(("given", "status"), [("*", 304), ('"x", W/{etag}', 304), ('"x"', 200), ("", 200)])
async def test_if_none_match_is_compared_as_a_list(world: World, given: str, status: int) -> None:
    async with world.client() as client:
        etag = (await client.get("/flags")).headers["etag"]
        answer = await client.get("/flags", headers={"if-none-match": given.format(etag=etag)})
    assert answer.status_code == status


async def test_a_bound_token_sees_flags_of_its_tenants_and_of_everybody(world: World) -> None:
    world.tokens = (Token("t", SECRET, frozenset({"acme"}), frozenset({"read"})),)
    switch(world, "own", "throttled", tenant="acme")
    switch(world, "other", "throttled", tenant="hooli")
    switch(world, "common", "throttled", feature="ai-search")
    assert set((await world.get("/flags", SECRET))["flags"]) == {"own", "common"}
