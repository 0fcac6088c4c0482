"""Fakes for the agents of a worker: tables in memory, a publisher that keeps what it is given."""

from __future__ import annotations

from collections import defaultdict
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from agents.batch import Batch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from agents.ports import Outgoing


class MemoryTable:
    """A ledger table of owned partitions; `crash_after` fails that many commits later, once."""

    def __init__(self) -> None:
        self.rows: defaultdict[int, dict[bytes, bytes]] = defaultdict(dict)
        self.epoch = 1
        self.crash_after: int | None = None

    def get(self, partition: int, key: bytes) -> bytes | None:
        return self.rows[partition].get(key)

    def scan(self, partition: int, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        yield from [(key, row) for key, row in sorted(self.rows[partition].items()) if key.startswith(prefix)]

    async def commit(self, partition: int, rows: Mapping[bytes, bytes | None]) -> None:
        if self.crash_after is not None:
            self.crash_after -= 1
            if self.crash_after < 0:
                self.crash_after = None
                raise CrashError
        for key, row in rows.items():
            if row is None:
                self.rows[partition].pop(key, None)
            else:
                self.rows[partition][key] = row

    def owned(self) -> frozenset[int]:
        return frozenset({0})


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

    def costs(self, partition: int, rows: Mapping[Any, Any]) -> None:
        self.rows |= {(partition, key): row for key, row in rows.items()}

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
