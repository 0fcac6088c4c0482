"""A ledger table in memory, and its partitions."""

from __future__ import annotations

import asyncio
from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from typing import TYPE_CHECKING

from tables.tenure import COMMIT_BYTES, PartitionLostError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence


class MemoryTable:
    """A table of the given partitions; `assign` is a rebalance, after which all of them begin a new term.

    `failures` are raised by its next commits, None lets one pass; `committed` is set by each that succeeds.
    """

    def __init__(self, *partitions: int) -> None:
        self.rows: defaultdict[int, dict[bytes, bytes]] = defaultdict(dict)
        self.keys: defaultdict[int, list[bytes]] = defaultdict(list)  # sorted
        self.epoch = 0
        self.failures: list[Exception | None] = []
        self.committed = asyncio.Event()
        self._tenures: dict[int, MemoryTenure] = {}
        self.assign(*(partitions or (0,)))

    def assign(self, *partitions: int) -> None:
        for tenure in self._tenures.values():
            tenure.held = False
        self._tenures = {number: MemoryTenure(self, number) for number in partitions}
        self.epoch += 1

    def owned(self) -> frozenset[int]:
        return frozenset(self._tenures)

    def tenure(self, partition: int) -> MemoryTenure:
        if partition not in self._tenures:
            raise PartitionLostError(str(partition))
        return self._tenures[partition]

    def tenures(self) -> list[tuple[int, MemoryTenure]]:
        return list(self._tenures.items())

    def scan(self, partition: int, prefix: bytes = b"", start: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        rows, keys = self.rows[partition], self._sorted(partition)
        at = bisect_left(keys, max(prefix, start))
        while at < len(keys) and keys[at].startswith(prefix):
            key = keys[at]
            yield key, rows[key]
            # Rows may have come and gone meanwhile.
            at = bisect_right(keys, key)

    def _sorted(self, partition: int) -> list[bytes]:
        """Return the keys in order; a test may have changed the rows itself."""
        if len(self.keys[partition]) != len(self.rows[partition]):
            self.keys[partition] = sorted(self.rows[partition])
        return self.keys[partition]

    def put(self, partition: int, key: bytes, row: bytes | None) -> None:
        rows, keys = self.rows[partition], self._sorted(partition)
        if row is not None:
            if key not in rows:
                insort(keys, key)
            rows[key] = row
        elif rows.pop(key, None) is not None:
            del keys[bisect_left(keys, key)]


class MemoryTenure:
    """One of its partitions."""

    def __init__(self, table: MemoryTable, partition: int) -> None:
        self.held = True
        self.position = 0
        self._table = table
        self._partition = partition

    @property
    def _rows(self) -> dict[bytes, bytes]:
        if not self.held:
            raise PartitionLostError(str(self._partition))
        return self._table.rows[self._partition]

    def get(self, key: bytes) -> bytes | None:
        return self._rows.get(key)

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        return [self.get(key) for key in keys]

    def scan(self, prefix: bytes = b"", start: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        self._rows  # noqa: B018 - raises when it is lost
        return self._table.scan(self._partition, prefix, start)

    async def commit(self, rows: Mapping[bytes, bytes | None]) -> None:
        if not rows:
            return
        await asyncio.sleep(0)
        failure = self._table.failures.pop(0) if self._table.failures else None
        if failure is not None:
            raise failure
        self._rows  # noqa: B018 - raises when it is lost
        assert sum(len(key) + len(row or b"") for key, row in rows.items()) <= COMMIT_BYTES
        self.position += len(rows)
        for key, row in rows.items():
            self._table.put(self._partition, key, row)
        self._table.committed.set()

    async def delete(self, keys: Iterable[bytes]) -> None:
        await self.commit(dict.fromkeys(list(keys)))
