from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from domain.billing.occurrences import Occurrences

DIGESTS = st.lists(st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 5), max_size=30), max_size=8)


@given(DIGESTS)
def test_equal_lines_get_ordinals_in_sequence_wherever_blocks_end(blocks: list[list[int]]) -> None:
    occurrences = Occurrences()
    seen: Counter[int] = Counter()
    for block in blocks:
        expected = []
        for digest in block:
            expected.append(seen[digest])
            seen[digest] += 1
        assert occurrences.ordinals(block) == expected


@given(st.permutations([1, 1, 1, 2, 3, 3]), st.integers(1, 6))
def test_the_set_of_line_and_ordinal_does_not_depend_on_order(digests: list[int], size: int) -> None:
    occurrences = Occurrences()
    found = []
    for start in range(0, len(digests), size):
        block = digests[start : start + size]
        found += list(zip(block, occurrences.ordinals(block), strict=True))
    assert sorted(found) == [(1, 0), (1, 1), (1, 2), (2, 0), (3, 0), (3, 1)]
