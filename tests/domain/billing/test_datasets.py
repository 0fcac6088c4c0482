"""Actual and amortised exports of a month tell the same charges: each basis is counted once."""

from __future__ import annotations

import pytest

from domain.billing.datasets import completes, dependents, is_bill, routing_key, sibling, tells

ACTUAL = "Microsoft/actual/acct/2026-06-01"
AMORTISED = "Microsoft/amortised/acct/2026-06-01"
PURCHASES = "Microsoft/purchases/acct/2026-06-01"
CUR = "AWS/cur/acct/2026-06-01"


def test_actual_and_amortised_statements_of_one_account_and_month_are_siblings() -> None:
    assert (sibling(ACTUAL), sibling(AMORTISED)) == (AMORTISED, ACTUAL)
    assert sibling("AWS/cur/acct/2026-06-01") is None
    assert sibling("") is None


def test_siblings_meet_in_one_partition() -> None:
    assert routing_key(ACTUAL) == routing_key(AMORTISED) == routing_key(PURCHASES) == ACTUAL
    assert routing_key("AWS/cur/actual/2026-06-01") == "AWS/cur/actual/2026-06-01"


@pytest.mark.parametrize("basis", ["billed", "effective", "contracted", "list"])
def test_each_basis_is_one_sibling_s(basis: str) -> None:
    assert [tells(ACTUAL, basis), tells(AMORTISED, basis)] == [basis != "effective", basis == "effective"]


def test_parts_of_purchases_give_way_to_the_amortised_export_and_are_told_again_after_it() -> None:
    assert sibling(PURCHASES) == AMORTISED
    assert not tells(PURCHASES, "effective")
    assert (dependents(AMORTISED), dependents(ACTUAL), dependents(PURCHASES)) == ([ACTUAL, PURCHASES], [AMORTISED], [])
    assert dependents(CUR) == dependents("") == []


def test_parts_of_purchases_are_of_a_bill_and_make_no_day_complete() -> None:
    assert is_bill(PURCHASES)
    assert [completes(each) for each in (ACTUAL, AMORTISED, PURCHASES, CUR)] == [True, True, False, True]
    assert not completes("AWS/reattribution/r/2026-06-01")
