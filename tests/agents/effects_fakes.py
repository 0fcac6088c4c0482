"""Fakes of what the agents of the effects process need from outside."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from agents.batch import Batch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agents.ports import Outgoing
    from domain.deliveries import Answer, Unreachable
    from domain.webhooks import Subscription

ACME = {"tenant": "acme", "feature": "ai-search"}


@dataclass
class FakeRecord:
    value: bytes | None
    offset: int = 0
    partition: int = 0
    topic: str = "budget-threshold-crossed"
    key: bytes | None = None
    timestamp: int = 0
    headers: Sequence[tuple[str, bytes]] = ()


def batch(*records: FakeRecord) -> Batch:
    return Batch(records[0].topic, records[0].partition, records)


def event(
    identifier: str,
    *,
    kind: str = "costguard.budget.threshold-crossed",
    time: str = "2026-11-03T00:00:00Z",
    scope: Mapping[str, str] | None = None,
    **data: Any,
) -> bytes:
    content = {"scope": ACME if scope is None else scope, **data}
    envelope = {
        "specversion": "1.0",
        "id": identifier,
        "source": "/costguard/budgets",
        "type": kind,
        "time": time,
    }
    return orjson.dumps({**envelope, "data": content})


@dataclass
class FakePublisher:
    sent: dict[str, list[Outgoing]] = field(default_factory=dict)
    failures: list[Exception] = field(default_factory=list)

    async def send_many(self, topic: str, records: Sequence[Outgoing]) -> Sequence[tuple[int, int]]:
        await asyncio.sleep(0)
        if records and self.failures:
            raise self.failures.pop(0)
        self.sent.setdefault(topic, []).extend(records)
        return [(0, offset) for offset in range(len(records))]

    def events(self, topic: str) -> list[dict[str, Any]]:
        return [orjson.loads(value or b"null") for _, value, _ in self.sent.get(topic, [])]


@dataclass
class FakeClock:
    now: float = 1_793_620_800.0

    def __call__(self) -> float:
        return self.now


@dataclass
class FakeTransport:
    """Answers with what `script` holds for a subscription, its last entry for ever; may wait for `gates`."""

    script: dict[str, list[Answer | Unreachable]]
    gates: dict[str, asyncio.Event] = field(default_factory=dict)
    posts: list[tuple[str, str, bytes]] = field(default_factory=list)
    closed: bool = False

    async def post(self, subscription: Subscription, message_id: str, body: bytes, now: float) -> Answer | Unreachable:
        assert now > 0
        self.posts.append((subscription.name, message_id, body))
        if subscription.name in self.gates:
            await self.gates[subscription.name].wait()
        answers = self.script[subscription.name]
        return answers.pop(0) if len(answers) > 1 else answers[0]

    async def close(self) -> None:
        self.closed = True

    def ids(self, name: str) -> list[str]:
        return [message_id for subscription, message_id, _ in self.posts if subscription == name]


@dataclass
class FakeView:
    """The view's documents and dead letters; `failures` are raised by its next calls."""

    shown: dict[str, dict[str, Any]] = field(default_factory=dict)
    letters: list[bytes] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    failures: list[Exception] = field(default_factory=list)

    def _fail(self) -> None:
        if self.failures:
            raise self.failures.pop(0)

    async def documents(self, kind: str) -> dict[str, bytes]:
        self._fail()
        return {field: orjson.dumps(document) for field, document in self.shown.get(kind, {}).items()}

    async def put_documents(self, kind: str, documents: Mapping[str, bytes | None]) -> None:
        self._fail()
        shown = self.shown.setdefault(kind, {})
        for name, document in documents.items():
            if document is None:
                shown.pop(name, None)
            else:
                shown[name] = orjson.loads(document)

    async def push_dead_letters(self, letters: Sequence[bytes]) -> None:
        self._fail()
        self.letters.extend(letters)

    async def exists_many(self, names: Sequence[str]) -> list[bool]:
        self._fail()
        return [name in self.names for name in names]

    async def remember(self, names: Sequence[str], seconds: int) -> None:
        assert seconds > 0
        self._fail()
        self.names.update(names)
