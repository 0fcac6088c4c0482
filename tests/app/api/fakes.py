"""A view in memory that holds usage as facts, a broker that can be away, and a client of the API over them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import orjson

from app.adapters.redis_view import RedisError
from app.api.create import create_api
from app.configuration import Configuration
from app.topics import Topics
from domain.cells import CostRow
from domain.codec import decode
from domain.projections import PROJECTIONS
from domain.scope import DIMENSIONS, Scope
from domain.windows import floor
from tests.app.api.sheets import sheets_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fastapi import FastAPI

    from app.access_tokens import Token
    from app.adapters.cost_lines import Sheet
    from app.adapters.redis_view import Marks, Part
    from domain.windows import Window

NOW = 1_795_435_200.25  # 2026-11-23T12:00:00.25Z
TOPICS = Topics()
PARTITIONS = dict.fromkeys(TOPICS.all(), 2)


class Fact(NamedTuple):
    """Cost of some events in one minute (epoch seconds)."""

    minute: int
    scope: Scope = Scope("acme", "production", "ai-search", "ranker", "search")
    amount: Decimal = Decimal("1.00")
    units: Decimal = Decimal(1)
    events: int = 1
    unpriced: int = 0
    resource_type: str = "compute.cpu_seconds"
    cost_unit: str = ""


@dataclass
class FakeView:
    """Answers from facts; `away` makes every call fail, `forgotten` are windows that are not kept any more."""

    facts: list[Fact] = field(default_factory=list)
    shown: dict[str, dict[str, bytes]] = field(default_factory=lambda: defaultdict(dict))
    letters: list[bytes] = field(default_factory=list)
    remembered: dict[str, int] = field(default_factory=dict)
    forgotten: set[Window] = field(default_factory=set)
    away: bool = False
    read: list[tuple[str, int]] = field(default_factory=list)

    def _require(self) -> None:
        if self.away:
            raise RedisError("nobody there")

    async def rows(self, projection: str, windows: Sequence[Window]) -> list[CostRow]:
        self._require()
        self.read.append((projection, len(windows)))
        picked = [DIMENSIONS.index(dimension) for dimension in PROJECTIONS[projection]]
        by_window = defaultdict(list)
        for fact in self.facts:
            for width in {window.granularity.seconds for window in windows}:
                by_window[width, floor(fact.minute, width)].append(fact)
        return [
            CostRow(
                window,
                tuple(fact.scope[index] for index in picked),
                fact.resource_type,
                "metered",
                fact.cost_unit,
                fact.amount,
                fact.units,
                fact.events,
                fact.unpriced,
            )
            for window in windows
            if window not in self.forgotten
            for fact in by_window[window.granularity.seconds, window.start]
        ]

    async def sheets(self, projection: str, windows: Sequence[Window]) -> list[Sheet]:
        return sheets_of(projection, windows, await self.rows(projection, windows))

    async def standing(self, kinds: Sequence[str], parts: Sequence[Part]) -> tuple[list[dict[str, bytes]], Marks]:
        self._require()
        marks = tuple(repr((part, len(self.facts), sorted(self.forgotten))).encode() for part in parts)
        return [await self.documents(kind) for kind in kinds], marks

    async def documents(self, kind: str) -> dict[str, bytes]:
        self._require()
        return dict(self.shown[kind])

    async def document(self, kind: str, name: str) -> bytes | None:
        return (await self.documents(kind)).get(name)

    async def documents_of(self, kinds: Sequence[str]) -> list[dict[str, bytes]]:
        return [await self.documents(kind) for kind in kinds]

    async def dead_letters(self, limit: int, skip: int = 0) -> list[bytes]:
        self._require()
        return self.letters[skip : skip + limit]

    async def exists_many(self, names: Sequence[str]) -> list[bool]:
        self._require()
        return [name in self.remembered for name in names]

    async def remember(self, names: Sequence[str], seconds: int) -> None:
        self._require()
        self.remembered |= dict.fromkeys(names, seconds)

    async def ping(self) -> bool:
        return not self.away

    def show(self, kind: str, **documents: Mapping[str, Any]) -> None:
        """Put JSON documents."""
        self.shown[kind] |= {name: orjson.dumps(document) for name, document in documents.items()}


@dataclass
class FakePublisher:
    """Keeps what was sent; `on_send` is told, `away` refuses."""

    sent: list[tuple[str, bytes | None, bytes | None]] = field(default_factory=list)
    away: bool = False
    on_send: Any = None

    async def send_many(
        self, topic: str, records: Sequence[tuple[bytes | None, bytes | None, int | None]]
    ) -> Sequence[tuple[int, int]]:
        if self.away:
            raise ConnectionError("no broker")
        for key, value, _ in records:
            self.sent.append((topic, key, value))
            if self.on_send is not None:
                self.on_send(topic, key, value)
        return [(0, len(self.sent) - 1)] if records else []


@dataclass
class World:
    """The API and what is around it."""

    view: FakeView = field(default_factory=FakeView)
    publisher: FakePublisher = field(default_factory=FakePublisher)
    tokens: tuple[Token, ...] = ()
    now: float = NOW
    broker_up: bool = True
    budget_wait: float = 0.0

    def app(self) -> FastAPI:
        """Return a new API over this world."""
        return create_api(
            Configuration(tokens=self.tokens),
            view=self.view,
            publisher=self.publisher,
            topics=TOPICS,
            clock=lambda: self.now,
            validate_usage=decode,
            partition_counts=self._partition_counts,
            new_id=lambda: "id-1",
            budget_wait=self.budget_wait,
        )

    async def _partition_counts(self) -> Mapping[str, int]:
        if not self.broker_up:
            raise ConnectionError("no broker")
        return PARTITIONS

    def client(self, secret: str | None = None, host: str = "127.0.0.1:8000") -> httpx.AsyncClient:
        """Return a client of a new API; errors are answers, as over a socket."""
        transport = httpx.ASGITransport(self.app(), raise_app_exceptions=False)
        headers = {"authorization": f"Bearer {secret}"} if secret else {}
        return httpx.AsyncClient(transport=transport, base_url=f"http://{host}", headers=headers)

    async def get(self, path: str, secret: str | None = None, **parameters: Any) -> Any:
        """Return the JSON of a GET that must succeed."""
        async with self.client(secret) as client:
            answer = await client.get(path, params=parameters)
        assert answer.status_code == httpx.codes.OK, answer.text
        return answer.json()

    async def refusal(self, method: str, path: str, secret: str | None = None, **request: Any) -> httpx.Response:
        """Return an answer that must be a problem document."""
        async with self.client(secret) as client:
            answer = await client.request(method, path, **request)
        assert answer.headers["content-type"] == "application/problem+json", answer.text
        problem = answer.json()
        assert problem["status"] == answer.status_code
        assert problem["title"]
        assert problem["detail"]
        return answer


def usage(identifier: str = "e1", source: str = "/tests", **data: Any) -> dict[str, Any]:
    """Return a valid usage event."""
    scope = {"tenant": "acme", "feature": "ai-search", "resource_type": "compute.cpu_seconds", "units": 1.5}
    return {
        "specversion": "1.0",
        "id": identifier,
        "source": source,
        "type": "costguard.usage.metered",
        "time": "2026-11-01T00:00:00Z",
        "datacontenttype": "application/json",
        "data": scope | data,
    }


def worker(role: str = "worker", *, at: float = NOW, ready: bool = True, **changes: Any) -> dict[str, Any]:
    """Return the heartbeat of a process that owns everything its role needs."""
    topics = {
        "worker": (TOPICS.usage_metered, TOPICS.cost_totals, TOPICS.budget_commands),
        "effects": (TOPICS.budget_threshold_crossed, TOPICS.budget_status),
    }[role]
    owned = {topic: [0, 1] for topic in topics}
    return {"role": role, "ready": ready, "partitions": owned, "lag": dict.fromkeys(topics, 0), "at": at} | changes
