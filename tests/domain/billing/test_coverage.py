from __future__ import annotations

import pytest

from domain.billing.coverage import by_provider, coverage
from domain.billing.editions import Edition
from domain.windows import DAY

DAY_5 = 20_000 * DAY


def statement(latest: int, *, final: bool = False, written: int = DAY_5) -> list[Edition]:
    return [Edition("s", "p", "a", written, final=final, latest=latest, rows=1, rejected=0, content="0")]


@pytest.mark.parametrize(
    ("made", "until"),
    [
        (statement(DAY_5), DAY_5 - DAY),
        (statement(DAY_5 - 3600), DAY_5 - DAY),
        (statement(DAY_5, final=True), DAY_5),
        (statement(DAY_5, written=DAY_5 + 3 * DAY), DAY_5),
    ],
)
def test_the_last_day_of_a_bill_may_still_grow_unless_it_is_invoiced_or_days_old(
    made: list[Edition], until: int
) -> None:
    assert coverage([("AWS/cur/a/2026-11-01", made)]) == {"aws": {"cur/a": until}}


def test_a_statement_of_which_nothing_counts_tells_nothing() -> None:
    assert coverage([("AWS/cur/a/2026-11-01", [])]) == {}


def test_a_provider_is_complete_as_far_as_its_slowest_account_that_is_still_billed() -> None:
    partitions = [
        {"aws": {"a": DAY_5, "b": DAY_5 - 2 * DAY}},
        {"aws": {"ended": DAY_5 - 90 * DAY}, "gcp": {"c": DAY_5}},
    ]
    assert by_provider(partitions) == {"aws": DAY_5 - 2 * DAY, "gcp": DAY_5}
