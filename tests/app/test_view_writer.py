"""The view is shown again for as long as something may be missing in it: Redis may go at any moment, this one, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from redis.asyncio import Redis

from app.adapters.redis_view import RedisView
from app.view_writer import ViewWriter

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

pytestmark = pytest.mark.live

OWNER = "worker-here-7"


@pytest.fixture
def restarted(view: RedisView, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Awaitable[None]]:
    """Let Redis be one that was started a moment ago, and holds nothing."""
    runs = iter(range(100))

    async def run_id(_: RedisView) -> bytes:
        return str(now).encode()

    now = next(runs)
    monkeypatch.setattr(RedisView, "_run_id", run_id)

    async def restart() -> None:
        nonlocal now
        now = next(runs)
        await view.wipe()

    return restart


async def test_what_is_complete_is_not_shown_again(view: RedisView) -> None:
    writer, shown = writer_of(view)
    await writer.show_again_if_lost()
    await writer.show_again_if_lost()
    assert len(shown) == 1


async def test_a_redis_that_was_emptied_is_shown_everything(view: RedisView) -> None:
    writer, shown = writer_of(view)
    await writer.show_again_if_lost()
    await view.wipe()
    await writer.show_again_if_lost()
    assert len(shown) == 2


async def test_a_redis_that_was_restarted_and_remembers_is_shown_everything(redis_url: str, view: RedisView) -> None:
    writer, shown = writer_of(view)
    await writer.show_again_if_lost()
    client = Redis.from_url(redis_url)
    await client.set(f"test:intact:{OWNER}", b"the run before")
    await client.aclose()
    await writer.show_again_if_lost()
    assert len(shown) == 2


async def test_a_redis_that_is_restarted_while_everything_is_shown_is_shown_everything_again(
    view: RedisView, restarted: Callable[[], Awaitable[None]]
) -> None:
    writer, shown = writer_of(view, meanwhile=[restarted])
    await writer.show_again_if_lost()
    assert not await view.is_intact(OWNER), "what was shown before the restart is gone"
    await writer.show_again_if_lost()
    assert len(shown) == 2
    assert await view.is_intact(OWNER)


async def test_whoever_asks_is_told_while_everything_is_shown(view: RedisView) -> None:
    async def told() -> None:
        seen.append(await view.documents("progress"))

    seen: list[dict[str, bytes]] = []
    writer, _ = writer_of(view, meanwhile=[told])
    await writer.show_again_if_lost()
    await told()
    assert [list(documents) for documents in seen] == [[f"showing:{OWNER}"], []]


async def test_a_redis_that_is_emptied_while_everything_is_shown_is_shown_everything_again(view: RedisView) -> None:
    writer, shown = writer_of(view, meanwhile=[view.wipe])
    await writer.show_again_if_lost()
    await writer.show_again_if_lost()
    assert len(shown) == 2


def writer_of(
    view: RedisView, meanwhile: list[Callable[[], Awaitable[None]]] | None = None
) -> tuple[ViewWriter, list[int]]:
    """Return a writer, and a list that grows when it shows everything; `meanwhile` happens then, one each time."""
    writer = ViewWriter(view, OWNER)
    shown: list[int] = []
    events = list(meanwhile or ())

    async def show_all() -> None:
        shown.append(1)
        if events:
            await events.pop()()

    writer.show_all = show_all
    return writer, shown
