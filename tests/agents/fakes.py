"""Fakes for the agents of a worker: tables in memory, a publisher that keeps what it is given."""

from __future__ import annotations

from collections import defaultdict
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from agents.batch import Batch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agents.ports import Outgoing


class CrashError(Exception):
    """The process ended here."""


class MemoryPublisher:
    """Keeps records by topic; `fails` makes the next call end the process."""

    def __init__(self) -> None:
        self.sent: defaultdict[str, list[Outgoing]] = defaultdict(list)
        self.fails = False

    async def send_many(self, topic: str, records: Sequence[Outgoing]) -> list[tuple[int, int]]:
        if self.fails:
            self.fails = False
            raise CrashError
        self.sent[topic] += records
        return [(partition or 0, len(self.sent[topic]) - 1) for _, _, partition in records[-1:]]


class MemoryView:
    """Keeps what is shown."""

    def __init__(self) -> None:
        self.rows: dict[Any, Any] = {}
        self.documents: dict[tuple[str, str], bytes | None] = {}

    def costs(self, partition: int, rows: Mapping[Any, Any], position: int) -> None:
        assert position >= 0
        for place, lines in rows.items():
            self.rows.setdefault((partition, place), {}).update(lines)

    async def room(self) -> None:
        pass

    def progress(self, name: str, document: bytes) -> None:
        self.documents["progress", name] = document

    def document(self, kind: str, name: str, document: bytes | None) -> None:
        self.documents[kind, name] = document


def batch(topic: str, values: Sequence[bytes | None], first: int = 0, partition: int = 0) -> Batch:
    records: Any = tuple(
        SimpleNamespace(
            topic=topic, partition=partition, offset=first + n, timestamp=0, key=None, value=value, headers=()
        )
        for n, value in enumerate(values)
    )
    return Batch(topic, partition, records)
