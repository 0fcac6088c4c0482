from __future__ import annotations

from datetime import UTC, datetime

from domain.flag_leases import BudgetFlags
from domain.flags import FlagState
from tables.flags import LEASE, FlagsRow, budget_key, decode, read_lease, rows


def row(version: int, until: int | None) -> FlagsRow:
    scope = {"tenant": "acme"}
    lease = None if until is None else datetime.fromtimestamp(until, UTC)
    states = (FlagState("tier", "b-1", scope, ("economy",), "economy", "0.7", lease),)
    return FlagsRow(version, BudgetFlags("b-1", 1, scope, 0, 100, states=states))


def test_a_row_reads_back() -> None:
    written = rows(None, row(7, None))
    assert set(written) == {budget_key("b-1")}
    stored = written[budget_key("b-1")]
    assert stored is not None
    assert decode(stored) == row(7, None)


def test_a_lease_leads_to_its_budget() -> None:
    (lease,) = (key for key in rows(None, row(7, 2**34)) if key.startswith(LEASE))
    assert read_lease(lease) == (2**34, budget_key("b-1"))


def test_a_new_lease_replaces_the_old_one() -> None:
    old, new = (next(key for key in rows(None, row(7, until)) if key.startswith(LEASE)) for until in (50, 60))
    moved = rows(row(7, 50), row(8, 60))
    assert moved[old] is None
    assert moved[new] is not None
    assert rows(row(7, 50), row(8, None))[old] is None
    assert rows(row(7, 50), row(8, 50))[old] is not None


def test_leases_sort_by_their_end() -> None:
    keys = [key for until in (1, 255, 256, 2**33) for key in rows(None, row(1, until)) if key.startswith(LEASE)]
    assert keys == sorted(keys)
