from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from domain.billing.coverage import coverage
from domain.billing.editions import Edition, standing
from domain.billing.withdrawing import counting, named, withdrawn

NOW = 1_800_000_000


def edition(part: str = "a.csv", assembly: str = "1", written: int = 100, *, final: bool = False) -> Edition:
    content = f"{hash((part, assembly)) % (1 << 64):032x}"
    return Edition("aws/focus/acct/2026-11-01", part, assembly, written, final, 1_793_500_000, 5, 0, content)


def test_what_is_taken_back_counts_no_more_and_neither_does_what_it_replaced() -> None:
    older, newer, other = edition(), edition(assembly="2", written=200, final=True), edition("b.csv")
    taken = withdrawn(newer, NOW)
    assert counting([older, newer, other, taken]) == [other]
    assert standing([older, newer, other, taken]) == {taken.key, other.key}


@given(st.permutations([edition(), edition(assembly="2", written=NOW + 50, final=True), edition("b.csv", "3")]))
def test_it_counts_however_new_the_bill_says_it_is_and_in_any_order(editions: list[Edition]) -> None:
    (mine,) = named(editions, "a.csv")
    assert [each.part for each in counting([withdrawn(mine, NOW), *editions])] == ["b.csv"]


def test_a_newer_edition_of_the_file_counts_again() -> None:
    taken = withdrawn(edition(), NOW)
    again = edition(assembly="9", written=NOW + 1, final=True)
    assert counting([edition(), taken, again]) == [again]


def test_bills_are_found_by_file_and_by_assembly() -> None:
    whole = edition("", "assembly-7")
    assert named([whole], "assembly-7") == [whole]
    assert named([whole, edition("b.csv", written=200)], "b.csv") == [edition("b.csv", written=200)]
    assert named([whole], "c.csv") == []
    assert named([whole], "") == []


def test_no_day_is_complete_because_of_what_was_taken_back() -> None:
    mine = edition(final=True)
    assert coverage([(mine.statement, [mine])]) == {"aws": {"focus/acct": 1_793_577_600}}
    assert coverage([(mine.statement, [withdrawn(mine, NOW)])]) == {}
