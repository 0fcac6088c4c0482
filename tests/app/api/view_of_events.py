"""The API over a view that holds the rows of given events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

from app.api.create import create_api
from app.settings import Configuration
from app.topics import Topics
from domain.rejection import Rejected
from tests.app.api.sheets import sheets_of
from tests.domain.cost_events import rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.adapters.cost_lines import Sheet
    from app.adapters.redis_view import Marks, Part
    from domain.cells import CostRow
    from domain.windows import Window
    from tests.domain.cost_events import Priced


class ViewOfEvents:
    """Answers like Redis after all events were folded; what is not a question of cost is empty."""

    def __init__(self, events: Sequence[Priced], documents: Mapping[str, dict[str, bytes]] | None = None) -> None:
        self._events = events
        self._documents = documents or {}
        self.asked: set[str] = set()
        self.forgotten: set[Window] = set()

    async def rows(self, projection: str, windows: Sequence[Window]) -> list[CostRow]:
        self.asked.add(projection)
        return rows(self._events, projection, [window for window in windows if window not in self.forgotten])

    async def sheets(self, projection: str, windows: Sequence[Window]) -> list[Sheet]:
        return sheets_of(projection, windows, await self.rows(projection, windows))

    async def standing(self, kinds: Sequence[str], parts: Sequence[Part]) -> tuple[list[dict[str, bytes]], Marks]:
        marks = tuple(b"forgotten" if window in self.forgotten else b"here" for _, window in parts)
        return [await self.documents(kind) for kind in kinds], marks

    async def documents(self, kind: str) -> dict[str, bytes]:
        return self._documents.get(kind, {})

    async def document(self, kind: str, name: str) -> bytes | None:
        return (await self.documents(kind)).get(name)

    async def documents_of(self, kinds: Sequence[str]) -> list[dict[str, bytes]]:
        return [await self.documents(kind) for kind in kinds]

    async def dead_letters(self, limit: int, skip: int = 0) -> list[bytes]:
        raise AssertionError(f"{limit} dead letters after {skip} are no cost")

    async def exists_many(self, names: Sequence[str]) -> list[bool]:
        return [False] * len(names)

    async def remember(self, names: Sequence[str], seconds: int) -> None:
        """Forget."""

    async def ping(self) -> bool:
        return True


class NoPublisher:
    async def send_many(self, topic: str, records: Sequence[Any]) -> Sequence[tuple[int, int]]:
        raise AssertionError(f"{len(records)} records for {topic}: questions send nothing")


async def no_partitions() -> dict[str, int]:
    return {}


def client(view: ViewOfEvents, *, now: float, configuration: Configuration | None = None) -> httpx.AsyncClient:
    """Return a client of the API, at `now` in epoch seconds."""
    app = create_api(
        configuration or Configuration(),
        view=view,
        publisher=NoPublisher(),
        topics=Topics(""),
        clock=lambda: now,
        validate_usage=lambda _: Rejected("not asked"),
        partition_counts=no_partitions,
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1")
