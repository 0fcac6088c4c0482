"""A process that ends politely takes its heartbeat with it, and ends whether or not Redis is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redis.exceptions import ConnectionError as RedisAwayError

from app.heartbeat import Heartbeat

if TYPE_CHECKING:
    from collections.abc import Mapping


class Documents:
    """What a view was given; unreachable where `away`."""

    def __init__(self, *, away: bool = False) -> None:
        self.away = away
        self.put: list[tuple[str, dict[str, bytes | None]]] = []

    async def put_documents(self, kind: str, documents: Mapping[str, bytes | None]) -> None:
        if self.away:
            raise RedisAwayError
        self.put.append((kind, dict(documents)))


def heartbeat(view: Any) -> Heartbeat:
    app: Any = None
    return Heartbeat(app, view=view, role="worker", identifier="worker-here-7", tables={})


async def test_what_ends_is_not_shown_until_it_is_silent_for_long() -> None:
    view = Documents()
    await heartbeat(view).on_shutdown()
    assert view.put == [("workers", {"worker-here-7": None})]


async def test_a_redis_that_is_away_holds_nobody_up() -> None:
    view = Documents(away=True)
    await heartbeat(view).on_shutdown()
    assert not view.put
