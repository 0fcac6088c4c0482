"""The table that every other one is made of: Faust's RocksDB table, written ahead, atomically, and fenced.

A commit appends its rows to the changelog as one Kafka record batch (all or nothing), waits until the broker has it,
and only then writes RocksDB, rows and changelog position together. So the changelog is never behind the disk, a crash
at any point leaves a state that some prefix of the input explains, and recovery is Faust's own.

A worker that takes a partition over begins a *term*: it appends a fence with a number above every earlier one, and
puts the number on each of its rows. A predecessor that has lost the partition without knowing it yet (a long pause)
may still append; recovery passes over rows of a term older than the last fence. What such rows were made of was never
acknowledged, so the successor makes it anew.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Protocol

from faust.stores.rocksdb import Store
from faust.tables.table import Table
from faust.types import TP
from rocksdict import WriteBatch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping


logger = logging.getLogger(__name__)

# A commit is one Kafka record batch; below the broker's default limit of 1,048,588 bytes with room to spare.
COMMIT_BYTES: Final = 700_000
ROW_OVERHEAD: Final = 32
DELETED_AT_ONCE: Final = 2_000
OFFSET_KEY: Final = Store.offset_key
FENCE_KEY: Final = b"__costguard\0fence__"
TERM: Final = "term"
# Small write buffers: a worker holds one database per table and partition.
ROCKSDB_OPTIONS: Final = {
    "write_buffer_size": 8 * 1024 * 1024,
    "max_write_buffer_number": 2,
    "block_cache_size": 16 * 1024 * 1024,
    "bloom_filter_size": 10,
    "max_open_files": 64,
    "driver": "rocksdict",
}

Rows = dict[bytes, bytes | None]


class PartitionLostError(Exception):
    """The partition of a commit belongs to another worker by now."""


class BatchTooLargeError(Exception):
    """Rows that must be written together do not fit into one record batch; nothing was written."""


class ChangelogHoleError(Exception):
    """Records of a changelog were passed over; what came after them must not be applied."""


class Fetch(Protocol):
    """Records of one fetch from a changelog; nothing lies between offset `follows` and the first of them."""

    topic: str
    partition: int
    records: tuple[Any, ...]
    follows: int


class Changelog(Protocol):
    """Where commits go first."""

    async def append(
        self, topic: str, partition: int, rows: Iterable[tuple[bytes, bytes | None]], headers: Mapping[str, bytes]
    ) -> int:
        """Append rows atomically, each with these headers; return the offset of the last one, once acknowledged.

        Raises `BatchTooLargeError` before anything is sent.
        """


@dataclass
class Recovery:
    """What the last assignment took: changelog records read back, and seconds until the partitions were owned."""

    records: int = 0
    seconds: float = 0.0


class Deletable(Protocol):
    """A table whose rows can be deleted."""

    async def commit(self, partition: int, rows: Mapping[bytes, bytes | None]) -> None:
        """Write rows; None deletes."""


class LedgerTable(Table[bytes, bytes]):
    """Rows by partition and key, both bytes; `bind` it before the first commit."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._changelog: Changelog | None = None
        self._fatal: Callable[[BaseException], None] = lambda _: None
        self._owned: frozenset[int] = frozenset()
        self._terms: dict[int, int] = {}
        self._locks: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._epoch = 0
        self._rebalances = 0
        self._rebalanced_at = 0.0
        self.recovery = Recovery()

    def bind(self, changelog: Changelog, fatal: Callable[[BaseException], None]) -> None:
        """Tell where commits are appended, and what to do when a partition cannot be taken over."""
        self._changelog = changelog
        self._fatal = fatal

    @property
    def epoch(self) -> int:
        """Number of recoveries so far: what is cached of a table is valid within one."""
        return self._epoch

    def owned(self) -> frozenset[int]:
        """Return the partitions that are assigned to this worker, recovered and fenced."""
        return self._owned

    def get(self, partition: int, key: bytes) -> bytes | None:  # type: ignore[override]
        """Return one row, or None."""
        row: bytes | None = self._db(partition).get(key)
        return row

    def scan(self, partition: int, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Iterate over the rows whose key starts with `prefix`, in key order."""
        for key, value in self._db(partition).items(from_key=prefix or None):
            if not key.startswith(prefix):
                return
            if key not in (OFFSET_KEY, FENCE_KEY):
                yield key, value

    async def commit(self, partition: int, rows: Mapping[bytes, bytes | None]) -> None:
        """Write rows atomically, changelog first; None deletes a row.

        Raises `PartitionLostError` when another worker owns the partition, and `BatchTooLargeError`.
        """
        if not rows:
            return
        async with self._locks[partition]:
            self._check_owned(partition)
            term = self._terms[partition]
            offset = await self._append(partition, rows, term)
            self._check_owned(partition)
            if self._terms[partition] == term:
                self._require_unbroken(partition, offset - len(rows))
                self._write(partition, rows, offset)

    def _require_unbroken(self, partition: int, before: int) -> None:
        """End the process when somebody else has appended since what is here: writing now would jump over that.

        A worker that was frozen, and woke after its partitions had gone, would have a disk with a hole for good.
        """
        here = self.persisted_offset(TP(self.changelog_topic_name, partition))
        if (-1 if here is None else here) == before:
            return
        error = ChangelogHoleError(f"{self.name}[{partition}] is at {here}, and appended after {before}")
        self._fatal(error)
        raise error

    async def _append(self, partition: int, rows: Mapping[bytes, bytes | None], term: int) -> int:
        if self._changelog is None:
            raise RuntimeError(f"table {self.name} is not bound to a changelog")
        headers = {TERM: str(term).encode()}
        return await self._changelog.append(self.changelog_topic_name, partition, rows.items(), headers)

    def _check_owned(self, partition: int) -> None:
        if partition not in self._owned:
            raise PartitionLostError(f"{self.name}[{partition}]")

    def _db(self, partition: int) -> Any:
        store: Any = self.data
        return store._db_for_partition(partition)  # noqa: SLF001 - Faust's store has no public access by partition

    def _write(self, partition: int, rows: Mapping[bytes, bytes | None], offset: int) -> None:
        batch = WriteBatch(raw_mode=True)
        for key, value in rows.items():
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        batch.put(OFFSET_KEY, str(offset).encode())
        self._db(partition).write(batch)

    def apply_changelog_batch(self, batch: Iterable[Any]) -> None:
        """Recover rows from the changelog, in its order, without those of fenced terms.

        Each of Faust's events carries a whole fetch. Ends the process when one does not continue what is here:
        the next one starts from what was written, and a table with a hole is worse than none.
        """
        for event in batch:
            fetch: Fetch = event.value
            if fetch.topic != self.changelog_topic_name:
                # Faust hands events of a partition that was taken away to whichever table was recovered last.
                logger.info("%s: passing over records of %s", self.name, fetch.topic)
                continue
            try:
                self._recover(fetch)
            except Exception as error:
                logger.exception("cannot recover %s", self.name)
                # Faust only logs what this raises, and would go on without the records.
                self._fatal(error)
                raise

    def _recover(self, fetch: Fetch) -> None:
        partition, rows = fetch.partition, Rows()
        here = self.persisted_offset(TP(fetch.topic, partition))
        if here is not None and fetch.records[-1].offset <= here:
            return
        if here is not None and fetch.follows > here + 1:
            raise ChangelogHoleError(f"{self.name}[{partition}] is at {here}, records come after {fetch.follows - 1}")
        fence = self._fence(partition)
        for record in fetch.records:
            term = _term(record.headers)
            if term >= fence:
                fence = term
                rows[record.key] = record.value
        self._write(partition, rows, fetch.records[-1].offset)
        self.recovery.records += len(fetch.records)

    def _fence(self, partition: int) -> int:
        stored: bytes | None = self._db(partition).get(FENCE_KEY)
        return 0 if stored is None else int(stored)

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        """Own nothing until the new assignment is recovered."""
        self._owned = frozenset()
        self._rebalances += 1
        self._rebalanced_at = time.monotonic()
        self.recovery = Recovery()
        await super().on_rebalance(assigned, revoked, newly_assigned, generation_id)

    async def on_stop(self) -> None:
        """Own nothing any more: whoever still works would open what is closed now."""
        self._owned = frozenset()
        self._rebalances += 1
        await super().on_stop()

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        """Begin a term in each recovered partition, and own them, unless they were taken away meanwhile."""
        rebalances = self._rebalances
        await super().on_recovery_completed(active_tps, standby_tps)
        try:
            await asyncio.gather(*[self._begin_term(tp.partition) for tp in active_tps])
        except Exception as error:
            logger.exception("cannot take over partitions of %s", self.name)
            # Faust drops what this raises, and would go on with tables that nobody may write.
            self._fatal(error)
            raise
        self._epoch += 1
        self.recovery.seconds = time.monotonic() - self._rebalanced_at
        if self._rebalances == rebalances:
            self._owned = frozenset(tp.partition for tp in active_tps)

    async def _begin_term(self, partition: int) -> None:
        term = self._fence(partition) + 1
        fence: Rows = {FENCE_KEY: str(term).encode()}
        # What a predecessor appended since the recovery was never acknowledged: it is made anew, and jumped over.
        self._write(partition, fence, await self._append(partition, fence, term))
        self._terms[partition] = term


def _term(headers: Iterable[tuple[str, bytes]]) -> int:
    """Return the term of a changelog record; 0 for one that says nothing of it."""
    return next((int(value) for name, value in headers if name == TERM), 0)


async def delete(table: Deletable, partition: int, keys: Iterable[bytes]) -> None:
    """Delete rows, some at a time: others get their turn in between."""
    left = iter(keys)
    while some := dict.fromkeys(islice(left, DELETED_AT_ONCE)):
        for chunk in chunks(some):
            await table.commit(partition, chunk)
        await asyncio.sleep(0)


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
