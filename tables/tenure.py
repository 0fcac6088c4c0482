"""One partition of a table for as long as this worker owns it.

What a handler reads and what it then writes belong to one term. Between two terms of the same worker in the same
partition somebody else may have written; a handler that slept through that must not go on.
"""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Protocol

from tables.terms import FENCE_KEY, TERM, Rows, accept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from tables.disk import Disk

# A commit is one Kafka record batch; well below what changelogs are created to take (`app.topology`).
COMMIT_BYTES: Final = 3_000_000
ROW_OVERHEAD: Final = 32
DELETED_AT_ONCE: Final = 2_000


class PartitionLostError(Exception):
    """The partition belongs to another worker by now, or to another term of this one."""


class BatchTooLargeError(Exception):
    """Rows that must be written together do not fit into one record batch; nothing was written."""


class FencedError(Exception):
    """Another worker has begun a term in this partition, and this one was not told."""


class Changelog(Protocol):
    """The changelog of one partition of a table: where commits go first."""

    async def append(self, rows: Iterable[tuple[bytes, bytes | None]], headers: Mapping[str, bytes]) -> int:
        """Append rows atomically, each with these headers; return the offset of the last one, once acknowledged.

        Raises `BatchTooLargeError` before anything is sent.
        """

    async def read(self, first: int, last: int) -> Sequence[Any]:
        """Return the records between two offsets, both included, in order; compaction may have left some out."""


class Tenure:
    """A partition of a table in one term; every call raises `PartitionLostError` once that is over.

    `name` tells table and partition to an operator; `fatal` ends the process.
    """

    def __init__(
        self, name: str, *, term: int, disk: Disk, changelog: Changelog, fatal: Callable[[BaseException], None]
    ) -> None:
        self._name = name
        self._term = term
        self._disk = disk
        self._changelog = changelog
        self._fatal = fatal
        self._held = True
        self._lock = asyncio.Lock()
        self._position = disk.position

    @property
    def held(self) -> bool:
        """Tell whether the worker still owns the partition in this term, as far as it knows."""
        return self._held

    @property
    def position(self) -> int:
        """Offset of the last changelog record written here: whatever is read belongs to it."""
        return self._position

    def end(self) -> None:
        """Let nobody read or write any more."""
        self._held = False

    def get(self, key: bytes) -> bytes | None:
        """Return one row, or None."""
        self._require_held()
        return self._disk.get(key)

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return rows in the order of their keys, None for what is not there."""
        self._require_held()
        return self._disk.get_many(keys)

    def scan(self, prefix: bytes = b"", start: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Iterate over the rows whose key starts with `prefix`, in key order, from `start` on.

        Rows may be written meanwhile.
        """
        self._require_held()
        for item in self._disk.scan(prefix, start):
            yield item
            self._require_held()

    async def commit(self, rows: Mapping[bytes, bytes | None]) -> None:
        """Write rows atomically, changelog first; None deletes a row. May raise `BatchTooLargeError`, too."""
        if not rows:
            return
        async with self._lock:
            stale = await self._append(rows)
            await self._restore(stale)

    async def restore(self, stale: Iterable[bytes]) -> None:
        """Append what these keys hold once more, above rows that do not count."""
        async with self._lock:
            await self._restore(set(stale))

    async def delete(self, keys: Iterable[bytes]) -> None:
        """Delete rows, some at a time: others get their turn in between."""
        left = iter(keys)
        while some := dict.fromkeys(islice(left, DELETED_AT_ONCE)):
            for chunk in chunks(some):
                await self.commit(chunk)
            await asyncio.sleep(0)

    def _require_held(self) -> None:
        if not self._held:
            raise PartitionLostError(self._name)

    async def _append(self, rows: Mapping[bytes, bytes | None]) -> set[bytes]:
        """Write rows to changelog and disk; return the keys of rows that others have appended in between."""
        self._require_held()
        last = await self._changelog.append(rows.items(), {TERM: str(self._term).encode()})
        self._require_held()
        first = last - len(rows) + 1
        stale = await self._pass_over(first - 1) if first - 1 > self._position else set()
        self._disk.write(rows, last, self._term)
        self._position = last
        return stale - rows.keys()

    async def _pass_over(self, last: int) -> set[bytes]:
        """Look at what others have appended since the position: a predecessor's rows do not count, a fence does.

        A row of this term is a repeat from the network; what came after it is to stay newest, too.
        """
        records = await self._changelog.read(self._position + 1, last)
        self._require_held()
        if accept(records, self._term).fence == self._term:
            return {record.key for record in records if record.key != FENCE_KEY}
        error = FencedError(f"{self._name}: another worker has taken it over, and this one was not told")
        self._fatal(error)
        raise error

    async def _restore(self, stale: set[bytes]) -> None:
        while stale:
            later: set[bytes] = set()
            for chunk in chunks({key: self.get(key) for key in sorted(stale)}):
                later |= await self._append(chunk)
            stale = later


def chunks(rows: Mapping[bytes, bytes | None], limit: int = COMMIT_BYTES) -> Iterator[Rows]:
    """Split independent rows into commits that fit, in order."""
    chunk: Rows = {}
    size = 0
    for key, value in rows.items():
        width = len(key) + len(value or b"") + ROW_OVERHEAD
        if size + width > limit and chunk:
            yield chunk
            chunk, size = {}, 0
        chunk[key] = value
        size += width
    if chunk:
        yield chunk
