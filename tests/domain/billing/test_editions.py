"""Importing a restatement before or after, or twice, gives the same end."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.billing.editions import Edition, merged, standing


def edition(part: str, assembly: str, **fields: Any) -> Edition:
    defaults: dict[str, Any] = {
        "statement": "AWS/cur/1/2026-06-01",
        "written": 100,
        "final": False,
        "latest": 0,
        "rows": 1,
        "rejected": 0,
        "content": f"{hash((part, assembly)) % 2**64:032x}",
    }
    return Edition(part=part, assembly=assembly, **(defaults | fields))


def standing_of(*editions: Edition) -> set[tuple[str, str]]:
    return {(part, assembly) for _, part, assembly in standing(editions)}


def test_a_new_assembly_of_the_same_billing_period_replaces_the_old() -> None:
    assert standing_of(edition("", "a1", written=1), edition("", "a2", written=2)) == {("", "a2")}


def test_a_final_bill_replaces_one_that_was_written_later_and_is_not() -> None:
    assert standing_of(edition("", "a1", final=True), edition("", "a2", written=200)) == {("", "a1")}


def test_parts_of_a_bill_count_beside_each_other_and_a_newer_file_of_a_name_replaces_the_older() -> None:
    first, second = edition("1.csv", "x"), edition("2.csv", "y")
    newer = edition("1.csv", "z", written=200)
    assert standing_of(first, second, newer) == {("1.csv", "z"), ("2.csv", "y")}


def test_a_copy_under_another_name_adds_nothing() -> None:
    assert len(standing_of(edition("1.csv", "x", content="0" * 32), edition("copy.csv", "x", content="0" * 32))) == 1


def test_bills_of_other_periods_are_left_alone() -> None:
    other = edition("", "a2", statement="AWS/cur/1/2026-07-01", written=200)
    assert standing_of(edition("", "a1"), other) == {("", "a1"), ("", "a2")}


EDITIONS = st.lists(
    st.builds(
        edition,
        st.sampled_from(["", "1.csv", "2.csv", "3.csv"]),
        st.sampled_from("abc"),
        written=st.integers(0, 3),
        final=st.booleans(),
        content=st.sampled_from(["0" * 32, "1" * 32, "2" * 32]),
    ),
    unique_by=lambda each: each.key,
    max_size=8,
)


@given(EDITIONS, st.randoms())
def test_import_order_does_not_matter(editions: list[Edition], random: Any) -> None:
    shuffled = [*editions, *editions]
    random.shuffle(shuffled)
    assert standing(shuffled) == standing(editions)


@given(EDITIONS)
def test_something_stands_of_every_bill_and_one_edition_of_a_part(editions: list[Edition]) -> None:
    found = standing_of(*editions)
    assert bool(found) == bool(editions)
    assert len({part for part, _ in found}) == len(found)


def test_files_of_one_assembly_are_one_edition() -> None:
    (whole,) = merged([edition("", "a", rows=2, content="0f", final=True), edition("", "a", rows=3, content="01")])
    assert (whole.rows, whole.final, int(whole.content, 16)) == (5, False, 16)
