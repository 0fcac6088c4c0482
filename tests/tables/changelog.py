"""A changelog in memory, for one partition of one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tables.terms import FENCE_KEY, TERM

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence


@dataclass(frozen=True)
class Record:
    offset: int
    key: bytes
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class MemoryChangelog:
    """Keeps records; may fail; calls `before` and `after` once, around the next append."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.batches: list[dict[bytes, bytes | None]] = []
        self.failing = False
        self.before: Callable[[], Any] | None = None
        self.after: Callable[[], Any] | None = None

    async def append(
        self, topic: str, partition: int, rows: Iterable[tuple[bytes, bytes | None]], headers: Mapping[str, bytes]
    ) -> int:
        del topic, partition
        if self.failing:
            raise ConnectionError("the broker is gone")
        if self.before is not None:
            before, self.before = self.before, None
            before()
        self.batches.append(dict(rows))
        self.put(self.batches[-1], list(headers.items()))
        if self.after is not None:
            after, self.after = self.after, None
            after()
        return len(self.records) - 1

    async def read(self, topic: str, partition: int, first: int, last: int) -> list[Record]:
        del topic, partition
        return self.records[first : last + 1]

    def put(self, rows: Mapping[bytes, bytes | None], headers: Sequence[tuple[str, bytes]] = ()) -> None:
        for key, value in rows.items():
            self.records.append(Record(len(self.records), key, value, headers))

    def by_somebody(self, rows: Mapping[bytes, bytes | None], *, term: int) -> None:
        """Append rows of another worker."""
        self.put(rows, [(TERM, b"%d" % term)])

    def taken_over(self) -> int:
        """Append the fence of another worker; return its term."""
        self.put({FENCE_KEY: b""})
        return len(self.records) - 1

    def compacted(self) -> list[Record]:
        """Return the newest record of each key, in order."""
        newest = {record.key: record for record in self.records}
        return [record for record in self.records if newest[record.key] is record]
