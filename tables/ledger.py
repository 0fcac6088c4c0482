"""The table that every other one is made of: Faust's RocksDB table, written ahead, atomically, and fenced.

A commit appends its rows to the changelog as one Kafka record batch (all or nothing), waits until the broker has it,
and only then writes RocksDB, rows and changelog position together. So the changelog is never behind the disk, a crash
at any point leaves a state that some prefix of the input explains, and recovery is Faust's own.

Agents work on a `Tenure`: one partition in one term. Which rows count is the changelog's to say (`tables.terms`).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

from faust.tables.table import Table

from tables.disk import NOWHERE, Disk
from tables.tenure import PartitionLostError, Tenure
from tables.terms import FENCE_KEY, accept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from faust.types import TP

logger = logging.getLogger(__name__)

# Small write buffers: a worker holds one database per table and partition.
ROCKSDB_OPTIONS: Final = {
    "write_buffer_size": 8 * 1024 * 1024,
    "max_write_buffer_number": 2,
    "block_cache_size": 16 * 1024 * 1024,
    "bloom_filter_size": 10,
    "max_open_files": 64,
    "driver": "rocksdict",
}


class ChangelogHoleError(Exception):
    """Records of a changelog were passed over; what came after them must not be applied."""


class Fetch(Protocol):
    """Records of one fetch from a changelog: all that lies between the offsets `follows` and `end`."""

    topic: str
    partition: int
    records: tuple[Any, ...]
    follows: int
    end: int


class Changelogs(Protocol):
    """All changelogs; see `tables.tenure.Changelog`."""

    async def append(
        self, topic: str, partition: int, rows: Iterable[tuple[bytes, bytes | None]], headers: Mapping[str, bytes]
    ) -> int:
        """Append rows atomically; return the offset of the last one."""

    async def read(self, topic: str, partition: int, first: int, last: int) -> Sequence[Any]:
        """Return the records between two offsets, both included."""


class _Changelog:
    """The changelog of one partition."""

    def __init__(self, changelogs: Changelogs, topic: str, partition: int) -> None:
        self.append = partial(changelogs.append, topic, partition)
        self.read = partial(changelogs.read, topic, partition)


@dataclass
class Recovery:
    """What the last assignment took: changelog records read back, and seconds until the partitions were owned."""

    records: int = 0
    seconds: float = 0.0


class LedgerTable(Table[bytes, bytes]):
    """Rows by partition and key, both bytes; `bind` it before the first assignment."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._changelogs: Changelogs | None = None
        self._fatal: Callable[[BaseException], None] = lambda _: None
        self._tenures: dict[int, Tenure] = {}
        # By partition: keys whose newest row in the changelog does not count (`tables.terms`).
        self._stale: defaultdict[int, set[bytes]] = defaultdict(set)
        self._epoch = 0
        self._rebalances = 0
        self._rebalanced_at = 0.0
        # When something was last recovered; None while nothing is to be.
        self._moved_at: float | None = None
        self.recovery = Recovery()

    def bind(self, changelogs: Changelogs, fatal: Callable[[BaseException], None]) -> None:
        """Tell where commits are appended, and what to do when a partition cannot be taken over."""
        self._changelogs = changelogs
        self._fatal = fatal

    @property
    def epoch(self) -> int:
        """Number of recoveries so far."""
        return self._epoch

    def owned(self) -> frozenset[int]:
        """Return the partitions that are assigned to this worker, recovered and fenced."""
        return frozenset(self._tenures)

    def stalled(self, now: float) -> float:
        """Return for how many seconds of the monotonic clock a recovery has not moved on; 0 when none is under way."""
        return 0.0 if self._moved_at is None else now - self._moved_at

    def remaining(self) -> dict[int, int]:
        """Return how many records a recovery has yet to read, by partition."""
        manager: Any = self.app.tables
        remaining = manager.recovery.active_remaining()
        return {tp.partition: left for tp, left in remaining.items() if tp.topic == self.changelog_topic_name and left}

    def tenure(self, partition: int) -> Tenure:
        """Return a partition that this worker owns; raises `PartitionLostError` when it does not."""
        try:
            return self._tenures[partition]
        except KeyError:
            raise PartitionLostError(f"{self.name}[{partition}]") from None

    def tenures(self) -> list[tuple[int, Tenure]]:
        """Return all partitions that this worker owns, by number."""
        return sorted(self._tenures.items())

    def _disk(self, partition: int) -> Disk:
        store: Any = self.data
        # Faust's store has no public access by partition.
        return Disk(partial(store._db_for_partition, partition))  # noqa: SLF001

    def apply_changelog_batch(self, batch: Iterable[Any]) -> None:
        """Recover rows from the changelog, in its order, without those that do not count.

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
        here = self._disk(fetch.partition).position
        if fetch.end <= here + 1:
            return
        if here != NOWHERE and fetch.follows > here + 1:
            name = f"{self.name}[{fetch.partition}]"
            raise ChangelogHoleError(f"{name} is at {here}, records come after {fetch.follows - 1}")
        self._replay(fetch.partition, [record for record in fetch.records if record.offset > here], fetch.end)
        self.recovery.records += len(fetch.records)
        if self._moved_at is not None:
            self._moved_at = time.monotonic()

    def _replay(self, partition: int, records: Sequence[Any], end: int) -> None:
        disk = self._disk(partition)
        accepted = accept(records, disk.fence)
        disk.write(accepted.rows, end - 1, accepted.fence)
        self._stale[partition] = self._stale[partition] - accepted.rows.keys() | accepted.stale

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        """Own nothing until the new assignment is recovered."""
        self._let_go()
        self._rebalanced_at = self._moved_at = time.monotonic()
        self.recovery = Recovery()
        await super().on_rebalance(assigned, revoked, newly_assigned, generation_id)

    async def on_stop(self) -> None:
        """Own nothing any more: whoever still works would open what is closed now."""
        self._let_go()
        await super().on_stop()

    def _let_go(self) -> None:
        self._moved_at = None
        self._rebalances += 1
        for tenure in self._tenures.values():
            tenure.end()
        self._tenures = {}

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        """Begin a term in each recovered partition, and own them, unless they were taken away meanwhile."""
        rebalances = self._rebalances
        await super().on_recovery_completed(active_tps, standby_tps)
        if self._rebalances != rebalances:
            return
        partitions = [tp.partition for tp in active_tps]
        try:
            tenures = await asyncio.gather(*map(self._begin_term, partitions))
        except Exception as error:
            logger.exception("cannot take over partitions of %s", self.name)
            # Faust drops what this raises, and would go on with tables that nobody may write.
            self._fatal(error)
            raise
        self._epoch += 1
        self._moved_at = None
        self.recovery.seconds = time.monotonic() - self._rebalanced_at
        if self._rebalances == rebalances:
            self._tenures = dict(zip(partitions, tenures, strict=True))

    async def _begin_term(self, partition: int) -> Tenure:
        """Append a fence, and read what was appended before it since the recovery: it counts, whoever wrote it."""
        if self._changelogs is None:
            raise RuntimeError(f"table {self.name} is not bound to its changelogs")
        changelog = _Changelog(self._changelogs, self.changelog_topic_name, partition)
        term = await changelog.append([(FENCE_KEY, b"")], {})
        disk = self._disk(partition)
        here = disk.position
        if here < term - 1 and (missed := await changelog.read(here + 1, term - 1)):
            self._replay(partition, missed, term)
        disk.write({}, term, term)
        name = f"{self.name}[{partition}]"
        tenure = Tenure(name, term=term, disk=disk, changelog=changelog, fatal=self._fatal)
        await tenure.restore(self._stale.pop(partition, ()))
        return tenure
