"""What was known of bills at an instant is what the editions that had come by then say."""

from __future__ import annotations

from decimal import Decimal

from domain.billing.details import DetailKey, DetailRow
from domain.billing.editions import Edition
from domain.billing.known import Known, KnownEdition, decode_lines, encode_lines
from domain.windows import DAY

ACTUAL = "Microsoft/actual/a/2026-06-01"
AMORTISED = "Microsoft/amortised/a/2026-06-01"


def known(
    recorded: int, *, written: int, statement: str = ACTUAL, assembly: str = "", final: bool = False
) -> KnownEdition:
    name = assembly or str(written)
    return KnownEdition(
        Edition(statement, "p", name, written, final=final, latest=5 * DAY, rows=1, rejected=0, content=name), recorded
    )


def test_an_edition_counts_from_the_instant_at_which_it_came_until_a_newer_one_comes() -> None:
    editions = {"0:1:0": known(1_000, written=1), "0:1:1": known(2_000, written=2)}
    found = {at: sorted(Known(editions, at).statements) for at in (999, 1_000, 1_999, 2_000)}
    assert found == {999: [], 1_000: ["0:1:0"], 1_999: ["0:1:0"], 2_000: ["0:1:1"]}
    assert sorted(Known(editions).statements) == ["0:1:1"]


def test_an_older_edition_that_comes_late_changes_nothing() -> None:
    editions = {"0:1:0": known(2_000, written=1), "0:1:1": known(1_000, written=2)}
    assert [sorted(Known(editions, at).statements) for at in (1_000, 2_000)] == [["0:1:1"], ["0:1:1"]]


def test_bills_were_complete_as_far_as_the_editions_of_then_were() -> None:
    editions = {"0:1:0": known(1_000, written=1), "0:1:1": known(2_000, written=2, final=True)}
    assert Known(editions, 999).billed_until() == ()
    assert Known(editions, 1_500).billed_until() == (("azure", 4 * DAY),)
    assert Known(editions).billed_until() == (("azure", 5 * DAY),)


def test_of_siblings_that_tell_a_day_each_counts_on_its_bases_and_one_alone_on_all() -> None:
    editions = {"0:1:0": known(1, written=1), "0:2:0": known(1, written=1, statement=AMORTISED)}
    both = Known(editions)
    assert both.told(["0:1:0", "0:2:0", "0:1:=digest"], "billed") == ["0:1:0"]
    assert both.told(["0:1:0", "0:2:0"], "effective") == ["0:2:0"]
    assert both.told(["0:2:0"], "billed") == ["0:2:0"]


def test_lines_are_the_same_bytes_whenever_they_say_the_same() -> None:
    key = DetailKey(0, *["x"] * 14)
    amounts = (Decimal("1.10"), None, None, Decimal(2))
    first, second = DetailRow(7, 2, Decimal(3), amounts), DetailRow(9, 2, Decimal(3), amounts)
    assert encode_lines([(key, first)]) == encode_lines([(key, second)])
    assert decode_lines(encode_lines([(key, first)])) == [(key, DetailRow(0, 2, Decimal(3), amounts))]
