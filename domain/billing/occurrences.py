"""Telling lines apart that are the same in every cell: the first is 0, the next 1, in whatever order they come.

A bill may hold the same line twice and mean it twice. Their ordinals are interchangeable, so which of them is
first does not matter; how many there are does. Exact up to collisions of 64 bits, which cost nothing: a line with an
ordinal it did not need is still counted once. Memory is 8 bytes a line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Digests = NDArray[np.uint64]


class Occurrences:
    """Counts how often each digest came before."""

    def __init__(self) -> None:
        self._runs: list[Digests] = []  # sorted, each at least twice as long as the next
        self._repeated: dict[int, int] = {}

    def ordinals(self, digests: Sequence[int]) -> list[int]:
        """Return for each 64-bit digest how many equal ones came before it, here and in earlier calls."""
        block = np.array(digests, dtype=np.uint64)
        distinct, counts = np.unique(block, return_counts=True)
        again = distinct[(counts > 1) | self._known(distinct)]
        ordinals = [0] * len(digests)
        if len(again):
            known = set(again[self._known(again)].tolist())
            for position in np.flatnonzero(np.isin(block, again)).tolist():
                digest = digests[position]
                ordinals[position] = self._repeated.get(digest, int(digest in known))
                self._repeated[digest] = ordinals[position] + 1
        self._remember(distinct)
        return ordinals

    def _known(self, distinct: Digests) -> NDArray[np.bool_]:
        found = np.zeros(len(distinct), dtype=np.bool_)
        for run in self._runs:
            places = np.searchsorted(run, distinct).clip(max=len(run) - 1)
            found |= run[places] == distinct
        return found

    def _remember(self, distinct: Digests) -> None:
        while self._runs and len(self._runs[-1]) < 2 * len(distinct):
            distinct = np.concatenate((self._runs.pop(), distinct))
            distinct.sort(kind="stable")  # two sorted runs: merged, not sorted anew
        if len(distinct):
            self._runs.append(distinct)
