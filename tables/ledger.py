"""The table that every other one is made of: Faust's RocksDB table, written ahead and atomically.

A commit appends its rows to the changelog as one Kafka record batch (all or nothing), waits until the broker
has it, and only then writes RocksDB, rows and changelog position together. So the changelog is never behind
the disk, a crash at any point leaves a state that some prefix of the input explains, and recovery is Faust's
own. Rows start with a version, the offset of the input record that made them: where two workers wrote the same
row (one of them had lost the partition without knowing it yet), recovery keeps the newer version.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec
from faust.stores.rocksdb import Store
from faust.tables.table import Table
from rocksdict import WriteBatch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from faust.types import TP

# A commit is one Kafka record batch; below the broker's default limit of 1,048,588 bytes with room to spare.
COMMIT_BYTES: Final = 700_000
ROW_OVERHEAD: Final = 24
OFFSET_KEY: Final = Store.offset_key
# Small write buffers: a worker holds one database per table and partition.
ROCKSDB_OPTIONS: Final = {
    "write_buffer_size": 16 * 1024 * 1024,
    "max_write_buffer_number": 2,
    "block_cache_size": 32 * 1024 * 1024,
    "bloom_filter_size": 10,
    "max_open_files": 64,
    "driver": "rocksdict",
}


class PartitionLostError(Exception):
    """The partition of a commit belongs to another worker by now."""


class BatchTooLargeError(Exception):
    """Rows that must be written together do not fit into one record batch; nothing was written."""


class Changelog(Protocol):
    """Where commits go first."""

    async def append(self, topic: str, partition: int, rows: Iterable[tuple[bytes, bytes | None]]) -> int:
        """Append rows atomically; return the offset of the last one, once acknowledged.

        Raises `BatchTooLargeError` before anything is sent.
        """


class Versioned(msgspec.Struct, array_like=True, gc=False):
    """The head of every row."""

    version: int


_version = msgspec.msgpack.Decoder(Versioned).decode


class LedgerTable(Table[bytes, bytes]):
    """Rows by partition and key, both bytes; `bind` it to a changelog before the first commit."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._changelog: Changelog | None = None
        self._owned: frozenset[int] = frozenset()
        self._locks: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._epoch = 0

    def bind(self, changelog: Changelog) -> None:
        """Tell where commits are appended."""
        self._changelog = changelog

    @property
    def epoch(self) -> int:
        """Number of recoveries so far: what is cached of a table is valid within one."""
        return self._epoch

    def owned(self) -> frozenset[int]:
        """Return the partitions that are assigned to this worker and recovered."""
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
            if key != OFFSET_KEY:
                yield key, value

    async def commit(self, partition: int, rows: Mapping[bytes, bytes | None]) -> None:
        """Write rows atomically, changelog first; None deletes a row.

        Raises `PartitionLostError` when another worker owns the partition, and `BatchTooLargeError`.
        """
        if self._changelog is None:
            raise RuntimeError(f"table {self.name} is not bound to a changelog")
        if not rows:
            return
        async with self._locks[partition]:
            self._check_owned(partition)
            offset = await self._changelog.append(self.changelog_topic_name, partition, rows.items())
            self._check_owned(partition)
            self._write(partition, rows.items(), offset)

    def _check_owned(self, partition: int) -> None:
        if partition not in self._owned:
            raise PartitionLostError(f"{self.name}[{partition}]")

    def _db(self, partition: int) -> Any:
        store: Any = self.data
        return store._db_for_partition(partition)  # noqa: SLF001 - Faust's store has no public access by partition

    def _write(self, partition: int, rows: Iterable[tuple[bytes, bytes | None]], offset: int) -> None:
        batch = WriteBatch(raw_mode=True)
        for key, value in rows:
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        batch.put(OFFSET_KEY, str(offset).encode())
        self._db(partition).write(batch)

    def apply_changelog_batch(self, batch: Iterable[Any]) -> None:
        """Recover rows from the changelog; of one key the newest version wins."""
        newest: dict[int, dict[bytes, bytes | None]] = defaultdict(dict)
        offsets: dict[int, int] = {}
        for event in batch:
            message = event.message
            rows = newest[message.partition]
            if message.key not in rows:
                rows[message.key] = self._db(message.partition).get(message.key)
            if _supersedes(message.value, rows[message.key]):
                rows[message.key] = message.value
            offsets[message.partition] = message.offset
        for partition, rows in newest.items():
            self._write(partition, rows.items(), offsets[partition])

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        """Own nothing until the new assignment is recovered."""
        self._owned = frozenset()
        await super().on_rebalance(assigned, revoked, newly_assigned, generation_id)

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        """Own the recovered partitions."""
        await super().on_recovery_completed(active_tps, standby_tps)
        self._epoch += 1
        self._owned = frozenset(tp.partition for tp in active_tps)


def _supersedes(new: bytes | None, old: bytes | None) -> bool:
    return new is None or old is None or _version(new).version >= _version(old).version


def chunks(rows: Mapping[bytes, bytes | None], limit: int = COMMIT_BYTES) -> Iterator[dict[bytes, bytes | None]]:
    """Split independent rows into commits that fit, in order."""
    chunk: dict[bytes, bytes | None] = {}
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
