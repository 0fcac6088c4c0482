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
    from collections.abc import Iterable, Iterator, Sequence

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
        self._recent: dict[int, tuple[int, int]] = {}

    def __len__(self) -> int:
        return len(self._recent) + sum(map(len, self._days.values()))

    def load(self, rows: Iterable[Packed]) -> None:
        """Restore from table rows, oldest first."""
        chunks: dict[int, list[Packed]] = {}
        for row in rows:
            chunks.setdefault(row.day, []).append(row)
        for day, packed in chunks.items():
            self._days.setdefault(day, _Day()).add(
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
            for index, carrier in day.find(wanted):
                result[index] = carrier
        return result

    def _merge_recent(self) -> None:
        by_day: dict[int, tuple[list[int], list[int]]] = {}
        for identity_hash, (day, offset) in self._recent.items():
            chunk = by_day.setdefault(day, ([], []))
            chunk[0].append(identity_hash)
            chunk[1].append(offset)
        for day, (hashes, offsets) in by_day.items():
            self._days.setdefault(day, _Day()).add(np.array(hashes, np.uint64), np.array(offsets, np.uint32))
        self._recent = {}


def _pack(day: int, hashes: list[int], offsets: list[int]) -> Packed:
    return Packed(day, np.array(hashes, "<u8").tobytes(), np.array(offsets, "<u4").tobytes())
