"""Parts of purchases in later months are those of the edition that counts, whatever came when."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from domain.billing.editions import Edition, standing
from domain.billing.spreading import and_withdrawals, tied, withdrawals

JUNE = "Microsoft/actual/acct/2026-06-01"
MONTHS = tuple(f"Microsoft/purchases/acct/2026-{month:02d}-01" for month in (7, 8, 9))


def edition(statement: str, assembly: str, written: int, part: str = "f.csv", *, final: bool = False) -> Edition:
    content = f"{hash((assembly, statement, part)) % (1 << 64):032x}"
    return Edition(statement, part, assembly, written, final=final, latest=9, rows=1, rejected=0, content=content)


def delivered(assembly: str, written: int, months: frozenset[int], part: str = "f.csv", **more: bool) -> list[Edition]:
    """Return the editions of a file with parts in some months."""
    parts = [edition(MONTHS[at], assembly, written, f"2026-06-01/{part}", final=True) for at in sorted(months)]
    return tied([edition(JUNE, assembly, written, part, **more), *parts])


def test_an_edition_says_where_it_has_parts_and_these_are_final_when_it_is() -> None:
    bought, *parts = delivered("a", 1, frozenset({0, 2}))
    assert bought.spreads == (MONTHS[0], MONTHS[2])
    assert [(each.final, each.spreads) for each in parts] == [(False, ()), (False, ())]
    assert all(each.final for each in delivered("a", 1, frozenset({0}), final=True))


def test_a_file_of_later_months_alone_is_of_no_purchase() -> None:
    (alone,) = tied([edition(MONTHS[0], "a", 1, "2026-06-01/f.csv")])
    assert alone.spreads == ()


def test_parts_are_taken_back_in_the_months_where_the_newest_edition_has_none() -> None:
    older, newer = delivered("a", 1, frozenset({0, 1})), delivered("b", 2, frozenset({1}))
    (gone,) = withdrawals([older[0], newer[0]])
    assert (gone.statement, gone.part, gone.assembly, gone.rows) == (MONTHS[0], "2026-06-01/f.csv", "b", 0)
    assert withdrawals([older[0]]) == withdrawals([newer[0]]) == []


def test_an_edition_of_a_manifest_takes_back_what_files_had_that_it_replaces() -> None:
    older, whole = delivered("a", 1, frozenset({0})), delivered("w", 2, frozenset({0}), part="")
    (gone,) = withdrawals([older[0], whole[0]])
    assert (gone.part, gone.assembly) == ("2026-06-01/f.csv", "w")


_MONTHS = st.frozensets(st.integers(0, 2))
_FILES = st.lists(
    st.tuples(st.integers(1, 4), _MONTHS, st.sampled_from(["f.csv", "g.csv", ""]), st.booleans()),
    min_size=1,
    max_size=6,
)


@given(_FILES)
def test_parts_count_exactly_where_their_purchase_does(files: list[tuple[int, frozenset[int], str, bool]]) -> None:
    editions = [
        each
        for number, (written, months, part, final) in enumerate(files)
        for each in delivered(f"a{number}", written * 100 + number, months, part, final=final)
    ]
    counting = standing(and_withdrawals(editions))
    for each in editions:
        for name in each.spreads:
            assert ((name, f"2026-06-01/{each.part}", each.assembly) in counting) == (each.key in counting)


@given(_FILES, st.randoms(use_true_random=False))
def test_what_is_taken_back_does_not_depend_on_the_order(
    files: list[tuple[int, frozenset[int], str, bool]], chance: object
) -> None:
    bought = [
        delivered(f"a{number}", written * 100 + number, months, part, final=final)[0]
        for number, (written, months, part, final) in enumerate(files)
    ]
    shuffled = list(bought)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert sorted(map(repr, withdrawals(bought))) == sorted(map(repr, withdrawals(shuffled)))


def test_of_the_same_second_the_edition_that_takes_back_is_newer() -> None:
    older, newer = delivered("z", 1, frozenset({0})), delivered("a", 1, frozenset())
    newer = [msgspec.structs.replace(newer[0], latest=10)]
    counting = standing(and_withdrawals([*older, *newer]))
    assert {each[2] for each in counting} == {"a"}
