"""Duplicates by identity: exact in any order, silent under replay, small."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from domain import identities
from domain.identities import Identities, identity
from domain.windows import DAY


def admit(index: Identities, ids: list[int], first: int, time: int = 0) -> list[bool]:
    fresh, _ = index.admit(ids, list(range(first, first + len(ids))), [time] * len(ids))
    return fresh


def test_a_repeat_at_another_offset_is_a_duplicate() -> None:
    index = Identities()
    assert admit(index, [1, 2, 1], first=0) == [True, True, False]
    assert admit(index, [2, 3], first=3) == [False, True]


def test_a_replay_of_the_same_offsets_is_not_a_duplicate() -> None:
    index = Identities()
    batch = [5, 6, 5]
    assert admit(index, batch, first=10) == admit(index, batch, first=10)


def test_a_replay_writes_no_row_again() -> None:
    index = Identities()
    index.admit([5, 6], [0, 1], [0, 0])
    _, rows = index.admit([5, 6, 7], [0, 1, 2], [0, 0, 0])
    assert [len(row.hashes) // 8 for row in rows] == [1]


def test_an_id_is_found_whatever_day_its_repeat_claims() -> None:
    index = Identities()
    admit(index, [9], first=0, time=3 * DAY)
    assert admit(index, [9], first=1, time=30 * DAY) == [False]


def test_forgetting_drops_whole_days() -> None:
    index = Identities()
    admit(index, [1], first=0, time=0)
    admit(index, [2], first=1, time=5 * DAY)
    index.forget(before_day=5)
    assert admit(index, [1, 2], first=2, time=5 * DAY) == [True, False]


def test_source_and_id_are_kept_apart() -> None:
    assert identity("a", "bc") != identity("ab", "c")


def test_an_id_costs_twelve_bytes_in_a_row() -> None:
    _, (row,) = Identities().admit(list(range(1000)), list(range(1000)), [0] * 1000)
    assert len(row.hashes) + len(row.offsets) == 12_000


@given(st.lists(st.lists(st.integers(0, 30), min_size=1, max_size=20), max_size=12), st.integers(1, 40))
def test_any_split_into_batches_and_merges_admits_each_id_once(batches: list[list[int]], merge_at: int) -> None:
    index, rows, seen, offset = Identities(), [], set[int](), 0
    original, identities.MERGE_AT = identities.MERGE_AT, merge_at  # type: ignore[misc]
    try:
        for batch in batches:
            fresh, packed = index.admit(batch, list(range(offset, offset + len(batch))), [offset * DAY] * len(batch))
            rows += packed
            offset += len(batch)
            for one, new in zip(batch, fresh, strict=True):
                assert new is (one not in seen)
                seen.add(one)
        restored = Identities()
        restored.load(rows)
        assert len(restored) == len(seen)
        assert admit(restored, sorted(seen), first=offset) == [False] * len(seen)
    finally:
        identities.MERGE_AT = original  # type: ignore[misc]
