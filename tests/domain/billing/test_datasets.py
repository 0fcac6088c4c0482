"""Actual and amortised exports of a month tell the same charges: each basis is counted once."""

from __future__ import annotations

import msgspec
import pytest

from domain.billing.datasets import (
    completes,
    dependents,
    gives_way,
    is_bill,
    origin_of,
    rival,
    rivals,
    routing_key,
    sibling,
    tells,
)
from domain.billing.editions import Edition

ACTUAL = "Microsoft/actual/acct/2026-06-01"
AMORTISED = "Microsoft/amortised/acct/2026-06-01"
PURCHASES = "Microsoft/purchases/acct/2026-06-01"
CUR = "AWS/cur/acct/2026-06-01"
FEES = "AWS/reservation-fees/acct/2026-06-01"


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
    assert dependents("") == []


def test_fees_of_aws_give_way_to_a_report_of_their_month_that_amortises_their_kind() -> None:
    assert (sibling(FEES), sibling(CUR), dependents(FEES)) == (CUR, None, [])
    assert dependents(CUR) == [FEES, "AWS/plan-fees/acct/2026-06-01"]
    assert routing_key(FEES) == routing_key(CUR) == CUR
    report = Edition(CUR, "", "a", 1, final=False, latest=0, rows=1, rejected=0, content="0")
    assert not rival(FEES, report)
    assert rivals(report) == []
    amortising = msgspec.structs.replace(report, amortises=("reservation-fees",))
    assert rival(FEES, amortising)
    assert rivals(amortising) == [FEES]
    told = {(each, 7) for each in rivals(amortising)}
    assert gives_way(FEES, 7, "effective", told)
    assert not gives_way(FEES, 8, "effective", told)


def test_parts_are_of_the_statement_and_the_file_that_has_their_purchase() -> None:
    assert origin_of(PURCHASES, "2026-05-01/a/b.csv") == ("Microsoft/actual/acct/2026-05-01", "a/b.csv")
    assert origin_of(FEES, "2026-05-01/") == ("AWS/cur/acct/2026-05-01", "")
    assert origin_of(CUR, "a.csv") is None


def test_parts_of_purchases_are_of_a_bill_and_make_no_day_complete() -> None:
    assert is_bill(PURCHASES)
    assert [completes(each) for each in (ACTUAL, AMORTISED, PURCHASES, CUR, FEES)] == [True, True, False, True, False]
    assert not completes("AWS/reattribution/r/2026-06-01")
