"""Actual and amortised exports of a month tell the same charges: each basis is counted once."""

from __future__ import annotations

import pytest

from domain.billing.datasets import routing_key, sibling, tells

ACTUAL = "Microsoft/actual/acct/2026-06-01"
AMORTISED = "Microsoft/amortised/acct/2026-06-01"


def test_actual_and_amortised_statements_of_one_account_and_month_are_siblings() -> None:
    assert (sibling(ACTUAL), sibling(AMORTISED)) == (AMORTISED, ACTUAL)
    assert sibling("AWS/cur/acct/2026-06-01") is None
    assert sibling("") is None


def test_siblings_meet_in_one_partition() -> None:
    assert routing_key(ACTUAL) == routing_key(AMORTISED)
    assert routing_key("AWS/cur/actual/2026-06-01") == "AWS/cur/actual/2026-06-01"


@pytest.mark.parametrize("basis", ["billed", "effective", "contracted", "list"])
def test_each_basis_is_one_sibling_s(basis: str) -> None:
    assert [tells(ACTUAL, basis), tells(AMORTISED, basis)] == [basis != "effective", basis == "effective"]
