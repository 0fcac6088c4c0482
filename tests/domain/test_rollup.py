"""Totals overwrite slots: whatever repeats, splits and orders, every projection sums to the same."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.cost_rows import (
    BudgetRow,
    CellRow,
    CostCellKey,
    Place,
    ProjectionKey,
    ProjectionRow,
    SpendKey,
    SpendRow,
)
from domain.projections import PROJECTIONS
from domain.rollup import Arrived, Group, Rollup, groups, newest
from domain.scope import DIMENSIONS
from domain.totals import Total
from domain.windows import DAY, HOUR, MINUTE, Granularity, Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from domain.cost_rows import Line, Projected

START = 1_793_491_200  # 2026-11-01T00:00:00Z


class Rows:
    """The tables in memory; implements `CostReader`."""

    def __init__(self) -> None:
        self.stored_cells: dict[CostCellKey, CellRow] = {}
        self.projected: dict[Place, dict[Line, ProjectionRow]] = {}
        self.spends: dict[SpendKey, SpendRow] = {}
        self.asked: list[tuple[str, Window, tuple[str, ...]]] = []

    def cells(self, keys: Iterable[CostCellKey]) -> dict[CostCellKey, CellRow]:
        return {key: self.stored_cells[key] for key in keys if key in self.stored_cells}

    def projections(self, wanted: Mapping[Place, Iterable[Line]]) -> Projected:
        return {place: self.projected.get(place, {}) for place in wanted}

    def spend(self, key: SpendKey) -> SpendRow | None:
        return self.spends.get(key)

    def window(
        self, projection: str, window: Window, leading: tuple[str, ...] = ()
    ) -> Iterator[tuple[ProjectionKey, ProjectionRow]]:
        self.asked.append((projection, window, leading))
        for line, row in self.projected.get(Place(window, projection), {}).items():
            if line.values[: len(leading)] == leading:
                yield ProjectionKey(window, projection, line), row

    def write(self, group: Group) -> None:
        self.stored_cells |= group.cells
        for place, rows in group.projections.items():
            self.projected[place] = self.projected.get(place, {}) | rows
        self.spends |= group.spends


def total(
    version: int,
    amount: str | None,
    *,
    tenant: str = "acme",
    feature: str = "search",
    minute: int = START,
    events: int = 1,
    first: int = 0,
) -> Total:
    price_id = "" if amount is None else "price"
    return Total(
        minute, tenant, "production", feature, "svc", "team", "compute.requests", price_id, "",
        version, first, events, Decimal(events), None if amount is None else Decimal(amount),
    )  # fmt: skip


def fold(rows: Rows, rollup: Rollup, arrived: Iterable[Arrived]) -> None:
    for group in groups(newest(arrived)):
        rows.write(rollup.fold(group))


def amounts(rows: Rows, granularity: Granularity = Granularity.DAY) -> dict[str, Decimal]:
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for place, lines in rows.projected.items():
        if place.window.granularity == granularity:
            sums[place.projection] += sum(row.amount for row in lines.values())
    return dict(sums)


def test_a_repeat_is_harmless() -> None:
    rows = Rows()
    rollup = Rollup(rows)
    one = Arrived(0, "metered", 0, total(3, "1.50", events=2))
    fold(rows, rollup, [one])
    fold(rows, rollup, [one._replace(offset=1)])
    assert set(amounts(rows).values()) == {Decimal("1.50")}


def test_a_newer_total_overwrites_and_an_older_one_does_not() -> None:
    rows = Rows()
    rollup = Rollup(rows)
    fold(rows, rollup, [Arrived(0, "metered", 0, total(5, "2.00"))])
    fold(rows, rollup, [Arrived(1, "metered", 0, total(4, "1.00"))])
    fold(rows, rollup, [Arrived(2, "metered", 0, total(6, "2.50"))])
    assert amounts(rows)["all"] == Decimal("2.50")


def test_slots_of_source_partitions_add_up() -> None:
    rows = Rows()
    fold(rows, Rollup(rows), [Arrived(0, "metered", p, total(1, "0.10")) for p in range(8)])
    assert amounts(rows)["tenant"] == Decimal("0.80")


def test_an_accumulation_begun_anew_after_expiry_is_another_slot() -> None:
    rows = Rows()
    rollup = Rollup(rows)
    fold(rows, rollup, [Arrived(0, "metered", 0, total(5, "2.00", first=1))])
    fold(rows, rollup, [Arrived(1, "metered", 0, total(90, "0.25", first=90))])
    assert amounts(rows)["all"] == Decimal("2.25")


def test_no_price_is_counted_and_never_zero_cost() -> None:
    rows = Rows()
    fold(rows, Rollup(rows), [Arrived(0, "metered", 0, total(1, None, events=3))])
    assert {row.unpriced for lines in rows.projected.values() for row in lines.values()} == {3}
    (cell,) = rows.stored_cells.values()
    assert cell.amount is None


BUDGET = BudgetRow(0, "b-1", 1, (("tenant", "acme"),), "month", "UTC")


def test_a_budget_set_late_starts_from_what_is_already_spent() -> None:
    rows = Rows()
    rollup = Rollup(rows)
    fold(
        rows,
        rollup,
        [Arrived(0, "metered", 0, total(1, "70.00")), Arrived(1, "metered", 0, total(1, "5", tenant="x"))],
    )
    rollup.budgets["b-1"] = BUDGET
    fold(rows, rollup, [Arrived(2, "metered", 1, total(1, "0.50", minute=START + HOUR))])
    found = [(key.period_start, key.step, row.spent) for key, row in rows.spends.items()]
    assert found == [(START, True, Decimal("70.50")), (START, False, Decimal("70.50"))]


def test_a_budget_set_late_looks_back_on_the_days_before_it() -> None:
    rows = Rows()
    rollup = Rollup(rows)
    days = [Arrived(day, "metered", 0, total(1, f"{day}.25", minute=START + day * DAY)) for day in range(5)]
    fold(rows, rollup, days)
    opened = rollup.open_period(BUDGET, START + 4 * DAY)
    steps = {key.period_start: row.spent for key, row in opened.items() if key.step}
    assert steps == {START + day * DAY: Decimal(f"{day}.25") for day in range(5)}
    *_, (key, row) = opened.items()
    assert (key.step, row.spent) == (False, Decimal("11.25")), "who judges the period has its steps by then"


@pytest.mark.parametrize(
    ("terms", "projection", "leading"),
    [
        ({}, "all", ()),
        ({"tenant": "acme"}, "tenant", ("acme",)),
        ({"feature": "search"}, "feature", ("search",)),
        ({"tenant": "acme", "feature": "search"}, "tenant+feature", ("acme", "search")),
        ({"tenant": "acme", "environment": "production"}, "full", ("acme", "production")),
        ({"tenant": "acme", "service": "svc"}, "full", ("acme",)),
        ({"feature": "search", "service": "svc"}, "full", ()),
    ],
)
def test_opening_a_budget_asks_for_its_lines_alone_and_of_each_window_once(
    terms: dict[str, str], projection: str, leading: tuple[str, ...]
) -> None:
    rows = Rows()
    Rollup(rows).open_period(BudgetRow(0, "b-1", 1, tuple(terms.items()), "month", "UTC"), START + 4 * DAY)
    assert {(name, values) for name, _, values in rows.asked} == {(projection, leading)}
    windows = [window for _, window, _ in rows.asked]
    assert len(windows) == len(set(windows))


TERMS = st.dictionaries(
    st.sampled_from(DIMENSIONS), st.sampled_from(["acme", "globex", "search", "chat", "production", "svc", "team"])
)
ZONES = st.sampled_from(["UTC", "Asia/Kolkata", "America/New_York"])


@given(
    TERMS,
    st.sampled_from(["day", "week", "month", "quarter"]),
    ZONES,
    st.lists(
        st.tuples(st.sampled_from(["acme", "globex"]), st.sampled_from(["search", "chat"]), st.integers(-3000, 3000)),
        max_size=20,
    ),
)
def test_an_opened_budget_has_what_all_lines_of_its_scope_come_to(
    terms: dict[str, str], kind: str, timezone: str, events: list[tuple[str, str, int]]
) -> None:
    rows = Rows()
    sent = [
        Arrived(at, "metered", at, total(at, f"{at + 1}.01", tenant=tenant, feature=feature, minute=START + n * 1800))
        for at, (tenant, feature, n) in enumerate(events)
    ]
    fold(rows, Rollup(rows), sent)
    budget = BudgetRow(0, "b-1", 1, tuple(terms.items()), kind, timezone)
    for key, row in Rollup(rows).open_period(budget, START + 15 * DAY).items():
        period = (budget.step_at if key.step else budget.period_at)(key.period_start)
        assert row.spent == sum(
            one.total.amount or 0
            for one in sent
            if period.start <= one.total.minute < period.end
            and all(getattr(one.total, dimension) == value for dimension, value in terms.items())
        )


def test_a_budget_counts_what_has_no_price_before_it_was_set_and_after() -> None:
    rows = Rows()
    fold(rows, Rollup(rows), [Arrived(0, "metered", 0, total(1, None, events=3))])
    for key, row in Rollup(rows).open_period(BUDGET, START).items():
        assert (key.step, row.spent, row.unpriced) == (False, Decimal(0), 3)
        rows.spends[key] = row
    fold(rows, Rollup(rows, [BUDGET]), [Arrived(1, "metered", 1, total(1, None, events=2))])
    assert {key.step: row.unpriced for key, row in rows.spends.items()} == {False: 5, True: 5}


def test_a_replay_sends_spend_again_that_a_crash_may_have_kept_from_being_sent() -> None:
    rows = Rows()
    rollup = Rollup(rows, [BUDGET])
    one = Arrived(0, "metered", 0, total(3, "1.50"))
    first = rollup.fold(list(newest([one]).items()))
    assert [row.spent for row in first.spends.values()] == [Decimal("1.50")] * 2
    rows.write(first)
    assert rollup.fold(list(newest([one]).items())).spends == first.spends


def test_every_matching_budget_parent_and_child_gains() -> None:
    rows = Rows()
    terms: list[tuple[tuple[str, str], ...]] = [
        (), (("tenant", "acme"),), (("tenant", "acme"), ("feature", "search")), (("tenant", "other"),),
    ]  # fmt: skip
    budgets = [BudgetRow(0, f"b-{n}", 1, term, "month", "UTC") for n, term in enumerate(terms)]
    fold(rows, Rollup(rows, budgets), [Arrived(0, "metered", 0, total(1, "9"))])
    assert {key.budget_id for key in rows.spends} == {"b-0", "b-1", "b-2"}


event = st.tuples(
    st.integers(0, 2),  # source partition
    st.sampled_from(["acme", "globex"]),
    st.sampled_from(["search", "chat"]),
    st.integers(0, 3 * DAY // MINUTE),
    st.decimals(0, 100, places=6),
)


@given(st.lists(event, max_size=40), st.data())
def test_any_order_of_repeats_conserves_every_projection(
    events: list[tuple[int, str, str, int, Decimal]], data: st.DataObject
) -> None:
    rows = Rows()
    rollup = Rollup(rows, [BUDGET])
    running: dict[tuple[int, str, str, int], tuple[int, Decimal]] = {}
    sent: list[Arrived] = []
    for version, (partition, tenant, feature, minute, amount) in enumerate(events):
        count, spent = running.get((partition, tenant, feature, minute), (0, Decimal(0)))
        running[partition, tenant, feature, minute] = (count + 1, spent + amount)
        sent.append(
            Arrived(
                0, "metered", partition,
                total(version, str(spent + amount), tenant=tenant, feature=feature,
                      minute=START + minute * MINUTE, events=count + 1),
            )
        )  # fmt: skip
    repeats = data.draw(st.lists(st.sampled_from(sent), max_size=20)) if sent else []
    delivery = [one._replace(offset=offset) for offset, one in enumerate(sent + repeats)]
    at = 0
    while at < len(delivery):
        size = data.draw(st.integers(1, 15))
        fold(rows, rollup, delivery[at : at + size])
        at += size
    expected = sum((spent for _, spent in running.values()), Decimal(0))
    for granularity in Granularity:
        assert all(amount == expected for amount in amounts(rows, granularity).values())
        assert set(amounts(rows, granularity)) == (set(PROJECTIONS) if sent else set())
    acme = sum((spent for (_, tenant, _, _), (_, spent) in running.items() if tenant == "acme"), Decimal(0))
    for step in (False, True):
        assert sum((row.spent for key, row in rows.spends.items() if key.step is step), Decimal(0)) == acme
