"""All rejected events can be read, however large they are, in answers that are not."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from app.api import dead_letters

if TYPE_CHECKING:
    from tests.app.api.fakes import FakeView, World


def letters(count: int, size: int = 0) -> list[bytes]:
    return [orjson.dumps({"id": f"letter-{number}", "data": "x" * size}) for number in range(count, 0, -1)]


def ids(answer: dict[str, Any]) -> list[str]:
    return [letter["id"] for letter in answer["dead_letters"]]


async def everything(world: World, **parameters: Any) -> list[list[str]]:
    pages: list[list[str]] = []
    following: dict[str, str] = {}
    while True:
        answer = await world.get("/dead-letters", **parameters, **following)
        pages.append(ids(answer))
        if answer["next"] is None:
            return pages
        following = {"before": answer["next"]}


async def test_pages_hold_every_letter_once_newest_first(world: World) -> None:
    world.view.letters = letters(260)
    pages = await everything(world, limit=100)
    assert [len(page) for page in pages] == [100, 100, 60]
    assert list(chain(*pages)) == [f"letter-{number}" for number in range(260, 0, -1)]


@pytest.mark.parametrize("size", [900, 5_000])
async def test_an_answer_is_bounded_by_bytes_and_holds_one_letter_at_least(
    world: World, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(dead_letters, "MAX_BYTES", 3_000)
    world.view.letters = letters(50, size)
    pages = await everything(world, limit=1000)
    assert {len(page) for page in pages[:-1]} == {max(1, 3_000 // (size + 40))}
    assert list(chain(*pages)) == [f"letter-{number}" for number in range(50, 0, -1)]


async def test_letters_that_come_meanwhile_neither_hide_nor_repeat_one(world: World) -> None:
    class Busy(type(world.view)):  # type: ignore[misc]
        async def dead_letters(self: FakeView, limit: int, skip: int = 0) -> list[bytes]:
            self.letters.insert(0, orjson.dumps({"id": f"new-{len(self.letters)}"}))
            return self.letters[skip : skip + limit]

    world.view = Busy(letters=letters(120))
    pages = await everything(world, limit=30)
    old = [name for name in list(chain(*pages)) if name.startswith("letter")]
    assert old == [f"letter-{number}" for number in range(120, 0, -1)]


async def test_no_letters_and_the_last_page(world: World) -> None:
    assert await world.get("/dead-letters") == {"dead_letters": [], "next": None}
    world.view.letters = letters(2)
    assert await world.get("/dead-letters", before="letter-1") == {"dead_letters": [], "next": None}


async def test_a_letter_that_is_no_longer_kept_is_told(world: World) -> None:
    world.view.letters = letters(3)
    assert (await world.refusal("GET", "/dead-letters", params={"before": "letter-99"})).status_code == 410
