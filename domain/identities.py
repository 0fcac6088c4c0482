"""Which event ids were seen: duplicates by identity, exact under replay, 12 bytes an id.

Per source partition, each id (a 64-bit hash of CloudEvents `source` and `id`) is kept with the offset that first
carried it. An id is a duplicate only when it comes at another offset, so a replay after a crash, which brings
the same records at the same offsets, is never mistaken for one. Ids are kept by day of event time, to be
forgotten together after the retention.

Memory: a sorted array of hashes (8 bytes) and one of offsets (4 bytes, modulo 2^32) per day, and a dictionary of
the newest ids until there are enough to be merged. 2^64 hashes: one false duplicate is expected in about 10^9
ids kept in one partition with probability below 3 %.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from xxhash import xxh3_64_intdigest

from domain.windows import DAY

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

RETENTION_DAYS: Final = 32
MERGE_AT: Final = 65_536
_OFFSET_MASK: Final = 0xFFFF_FFFF


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
    """The ids of one day: sorted hashes, their offsets, and chunks that wait to be merged."""

    __slots__ = ("hashes", "offsets")

    def __init__(self) -> None:
        self.hashes: NDArray[np.uint64] = np.empty(0, np.uint64)
        self.offsets: NDArray[np.uint32] = np.empty(0, np.uint32)

    def merge(self, hashes: NDArray[np.uint64], offsets: NDArray[np.uint32]) -> None:
        """Add ids; of one that is there twice, the first carrier (the one added earlier) stays."""
        every = np.concatenate((self.hashes, hashes))
        carried = np.concatenate((self.offsets, offsets))
        self.hashes, first = np.unique(every, return_index=True)
        self.offsets = carried[first]

    def find(self, wanted: NDArray[np.uint64]) -> tuple[NDArray[np.bool_], NDArray[np.uint32]]:
        """Return for each wanted hash whether it is here, and its offset (undefined where it is not)."""
        if not self.hashes.size:
            return np.zeros(wanted.size, np.bool_), np.zeros(wanted.size, np.uint32)
        at = np.searchsorted(self.hashes, wanted)
        at[at == self.hashes.size] = 0
        return self.hashes[at] == wanted, self.offsets[at]


class Identities:
    """The ids of one source partition."""

    def __init__(self) -> None:
        self._days: dict[int, _Day] = {}
        self._recent: dict[int, tuple[int, int]] = {}

    def __len__(self) -> int:
        return len(self._recent) + sum(day.hashes.size for day in self._days.values())

    def load(self, rows: Iterable[Packed]) -> None:
        """Restore from table rows, oldest first."""
        chunks: dict[int, list[Packed]] = {}
        for row in rows:
            chunks.setdefault(row.day, []).append(row)
        for day, packed in chunks.items():
            self._days.setdefault(day, _Day()).merge(
                np.frombuffer(b"".join(row.hashes for row in packed), np.dtype("<u8")),
                np.frombuffer(b"".join(row.offsets for row in packed), np.dtype("<u4")),
            )

    def admit(
        self, hashes: Sequence[int], offsets: Sequence[int], times: Sequence[int]
    ) -> tuple[list[bool], list[Packed]]:
        """Tell for each id of a batch, in order, whether it is new, and return the rows that remember the new ones.

        `offsets` are those of the records, `times` the event times in epoch seconds. An id that was first
        carried by the very same offset counts as new (it is being replayed) but needs no row again.
        """
        known = self._known(hashes)
        fresh: list[bool] = []
        added: dict[int, tuple[list[int], list[int]]] = {}
        recent = self._recent
        for identity_hash, offset, time, first in zip(hashes, offsets, times, known, strict=True):
            carrier = offset & _OFFSET_MASK
            seen = recent.get(identity_hash)
            original = first if seen is None else seen[1]
            if original is not None:
                fresh.append(original == carrier)
                continue
            day = time // DAY
            recent[identity_hash] = (day, carrier)
            new = added.setdefault(day, ([], []))
            new[0].append(identity_hash)
            new[1].append(carrier)
            fresh.append(True)
        if len(recent) >= MERGE_AT:
            self._merge_recent()
        return fresh, [_pack(day, *new) for day, new in added.items()]

    def forget(self, before_day: int) -> None:
        """Drop every id whose event was on a day before this one."""
        for day in [day for day in self._days if day < before_day]:
            del self._days[day]
        self._recent = {key: value for key, value in self._recent.items() if value[0] >= before_day}

    def _known(self, hashes: Sequence[int]) -> Sequence[int | None]:
        if not self._days:
            return [None] * len(hashes)
        wanted = np.array(hashes, np.uint64)
        result: list[int | None] = [None] * len(hashes)
        for day in self._days.values():
            found, carriers = day.find(wanted)
            for index in np.flatnonzero(found).tolist():
                result[index] = int(carriers[index])
        return result

    def _merge_recent(self) -> None:
        by_day: dict[int, tuple[list[int], list[int]]] = {}
        for identity_hash, (day, offset) in self._recent.items():
            chunk = by_day.setdefault(day, ([], []))
            chunk[0].append(identity_hash)
            chunk[1].append(offset)
        for day, (hashes, offsets) in by_day.items():
            self._days.setdefault(day, _Day()).merge(np.array(hashes, np.uint64), np.array(offsets, np.uint32))
        self._recent = {}


def _pack(day: int, hashes: list[int], offsets: list[int]) -> Packed:
    return Packed(day, np.array(hashes, "<u8").tobytes(), np.array(offsets, "<u4").tobytes())
