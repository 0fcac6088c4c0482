"""Which event ids were seen: duplicates by identity, exact under replay, 12 bytes an id.

Per source partition, each id (a 64-bit hash of CloudEvents `source` and `id`) is kept with the offset that first
carried it. An id is a duplicate only when it comes at another offset, so a replay after a crash, which brings
the same records at the same offsets, is never mistaken for one. Ids are kept by day of event time, to be
forgotten together after the retention.

Memory: sorted arrays of hashes (8 bytes) and of offsets (4 bytes, modulo 2^32) per day, and a dictionary of the newest
ids until there are enough to be merged. 2^64 hashes: one false duplicate is expected in about 10^9
ids kept in one partition with probability below 3 %.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from xxhash import xxh3_64_intdigest

from domain.windows import DAY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

RETENTION_DAYS: Final = 32
MERGE_AT: Final = 65_536


@lru_cache(maxsize=10_000)
def _seed(source: str) -> int:
    return xxh3_64_intdigest(source.encode())


def identity(source: str, event_id: str) -> int:
    """Hash a CloudEvents identity: the id, seeded by the source."""
    return xxh3_64_intdigest(event_id.encode(), _seed(source))


class Packed(NamedTuple):
    """New ids of one batch and day, as a table row keeps them: little-endian uint64 hashes, uint32 offsets."""

    day: int
    hashes: bytes
    offsets: bytes


class _Day:
    """The ids of one day as sorted runs, each at most half as long as the one before: an id is merged a few times."""

    __slots__ = ("_runs",)

    def __init__(self) -> None:
        self._runs: list[_Run] = []

    def __len__(self) -> int:
        return sum(run.hashes.size for run in self._runs)

    def add(self, hashes: NDArray[np.uint64], offsets: NDArray[np.uint32]) -> None:
        """Add ids that are not there yet."""
        self._runs.append(_sorted_run(hashes, offsets))
        while len(self._runs) > 1 and self._runs[-2].hashes.size < 2 * self._runs[-1].hashes.size:
            newer, older = self._runs.pop(), self._runs.pop()
            self._runs.append(
                _sorted_run(
                    np.concatenate((older.hashes, newer.hashes)), np.concatenate((older.offsets, newer.offsets))
                )
            )

    def find(self, wanted: NDArray[np.uint64]) -> Iterator[tuple[int, int]]:
        """Yield `(index in wanted, offset of the first carrier)` of those that are here."""
        for run in self._runs:
            at = np.searchsorted(run.hashes, wanted)
            at[at == run.hashes.size] = 0
            found = np.flatnonzero(run.hashes[at] == wanted)
            yield from zip(found.tolist(), run.offsets[at[found]].tolist(), strict=True)


class _Run(NamedTuple):
    """Sorted hashes and their offsets."""

    hashes: NDArray[np.uint64]
    offsets: NDArray[np.uint32]


def _sorted_run(hashes: NDArray[np.uint64], offsets: NDArray[np.uint32]) -> _Run:
    # Stable: merging runs that are sorted already takes linear time, and of equal ids the first carrier stays first.
    order = np.argsort(hashes, kind="stable")
    return _Run(hashes[order], offsets[order])


class Identities:
    """The ids of one source partition."""

    def __init__(self) -> None:
        self._days: dict[int, _Day] = {}
        # The newest ids, for looking up, and as they will be merged into their days.
        self._recent: dict[int, int] = {}
        self._unmerged: list[Packed] = []

    def __len__(self) -> int:
        return len(self._recent) + sum(map(len, self._days.values()))

    def load(self, rows: Iterable[Packed]) -> None:
        """Restore from table rows, oldest first."""
        for row in _joined(rows):
            self._days.setdefault(row.day, _Day()).add(
                np.frombuffer(row.hashes, np.dtype("<u8")), np.frombuffer(row.offsets, np.dtype("<u4"))
            )

    def admit(
        self, hashes: Sequence[int], offsets: Sequence[int], times: Sequence[int]
    ) -> tuple[list[bool], list[Packed]]:
        """Tell for each id of a batch, in order, whether it is new, and return the rows that remember the new ones.

        `offsets` are those of the records, `times` the event times in epoch seconds. An id that was first
        carried by the very same offset counts as new (it is being replayed) but needs no row again.
        """
        hash_array = np.array(hashes, "<u8")
        carrier_array = np.array(offsets, np.int64).astype("<u4")
        carriers: list[int] = carrier_array.tolist()
        known = self._known(hash_array)
        if not known and len(set(hashes)) == len(hashes) and self._recent.keys().isdisjoint(hashes):
            fresh, new = [True] * len(hashes), np.arange(len(hashes))
        else:
            fresh, new = self._compare(hashes, carriers, known)
        packed = _by_day(hash_array[new], carrier_array[new], np.array(times, np.int64)[new] // DAY)
        self._recent.update(zip(hash_array[new].tolist(), carrier_array[new].tolist(), strict=True))
        self._unmerged += packed
        if len(self._recent) >= MERGE_AT:
            self._merge_recent()
        return fresh, packed

    def forget(self, before_day: int) -> None:
        """Drop every id whose event was on a day before this one."""
        self._merge_recent()
        for day in [day for day in self._days if day < before_day]:
            del self._days[day]

    def _known(self, wanted: NDArray[np.uint64]) -> dict[int, int]:
        """Return the first carriers of those that are in the days, by index."""
        return {index: carrier for day in self._days.values() for index, carrier in day.find(wanted)}

    def _compare(
        self, hashes: Sequence[int], carriers: Sequence[int], known: Mapping[int, int]
    ) -> tuple[list[bool], NDArray[np.intp]]:
        """Return whether each is new, and the indices of those that are seen for the first time."""
        recent, batch = self._recent, dict[int, int]()
        fresh: list[bool] = []
        first: list[int] = []
        for index, (identity_hash, carrier) in enumerate(zip(hashes, carriers, strict=True)):
            original = recent.get(identity_hash)
            if original is None:
                original = known.get(index)
            if original is None:
                original = batch.setdefault(identity_hash, carrier)
                if original == carrier:
                    first.append(index)
            fresh.append(original == carrier)
        return fresh, np.array(first, np.intp)

    def _merge_recent(self) -> None:
        self.load(self._unmerged)
        self._unmerged = []
        self._recent = {}


def _by_day(hashes: NDArray[np.uint64], carriers: NDArray[np.uint32], days: NDArray[np.int64]) -> list[Packed]:
    return [
        Packed(day, hashes[days == day].tobytes(), carriers[days == day].tobytes()) for day in np.unique(days).tolist()
    ]


def _joined(rows: Iterable[Packed]) -> list[Packed]:
    """Join rows by day, in order."""
    by_day: dict[int, list[Packed]] = {}
    for row in rows:
        by_day.setdefault(row.day, []).append(row)
    return [
        Packed(day, b"".join(row.hashes for row in parts), b"".join(row.offsets for row in parts))
        for day, parts in by_day.items()
    ]
