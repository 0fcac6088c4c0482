"""The same events give the same sums, whatever is asked in whatever way."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.money import add_up
from domain.queries import GROUPINGS, CostQuery, Costs, Fold, Plan, Span, plan
from domain.rejection import Rejected
from domain.scope import DIMENSIONS
from domain.windows import DAY, HOUR, MINUTE, Granularity
from tests.domain.cost_events import DAYS, FIRST, Priced, brute_force, events, rows, value_of

EVER = Span(FIRST, FIRST + DAYS * DAY)
CALL = Priced(FIRST, ("acme", "production", "search", "ranker", "core"), "compute.requests", "", Decimal(2), Decimal(3))

groupings = st.permutations(GROUPINGS).flatmap(lambda names: st.integers(0, len(names)).map(lambda n: tuple(names[:n])))
granularities = st.sampled_from([None, Granularity.HOUR, Granularity.DAY])
minutes = st.integers(0, DAYS * DAY // MINUTE).map(lambda at: FIRST + at * MINUTE)
filters = st.dictionaries(
    st.sampled_from(DIMENSIONS), st.frozensets(st.sampled_from(["a", "b", "zz"]), min_size=1), max_size=3
)


def ask(query: CostQuery, happened: list[Priced]) -> Costs:
    planned = plan(query)
    assert isinstance(planned, Plan), planned
    fold = Fold(query, planned.projection)
    assert fold.add(rows(happened, planned.projection, planned.windows)) is None
    return fold.result()


@given(events(), groupings, granularities)
def test_any_grouping_and_granularity_sums_to_the_same_total(
    happened: list[Priced], group_by: tuple[str, ...], granularity: Granularity | None
) -> None:
    costs = ask(CostQuery(EVER, {}, group_by, granularity), happened)
    assert costs.total == add_up(event.amount or Decimal(0) for event in happened)
    assert add_up(group.amount for group in costs.groups) == costs.total
    assert sum(group.events for group in costs.groups) == len(happened)
    assert sum(group.unpriced for group in costs.groups) == costs.unpriced


@given(events(), st.lists(minutes, max_size=3), groupings)
def test_any_split_of_a_span_sums_to_the_whole(
    happened: list[Priced], cuts: list[int], group_by: tuple[str, ...]
) -> None:
    borders = sorted({EVER.start, *cuts, EVER.end})
    pieces = [Span(*piece) for piece in pairwise(borders)]
    total = add_up(ask(CostQuery(piece, {}, group_by), happened).total for piece in pieces)
    assert total == ask(CostQuery(EVER, {}, group_by), happened).total


@given(events(), groupings, filters, minutes, minutes)
def test_the_projection_never_changes_the_answer(
    happened: list[Priced],
    group_by: tuple[str, ...],
    wanted: dict[str, frozenset[str]],
    one: int,
    other: int,
) -> None:
    span = Span(min(one, other), max(one, other) + MINUTE)
    costs = ask(CostQuery(span, wanted, group_by), happened)
    selected = [
        event
        for event in happened
        if span.start <= event.minute < span.end
        and all(value_of(event, name) in values for name, values in wanted.items())
    ]
    assert {group.key: group.amount for group in costs.groups} == brute_force(selected, group_by)


@given(events(), st.integers(1, 2 * DAY // MINUTE), minutes)
def test_minutes_sum_to_the_span_that_they_split(happened: list[Priced], length: int, start: int) -> None:
    span = Span(start, start + length * MINUTE)
    by_minute = ask(CostQuery(span, {}, (), Granularity.MINUTE), happened)
    assert by_minute.total == ask(CostQuery(span, {}), happened).total
    assert all(group.start in range(span.start, span.end, MINUTE) for group in by_minute.groups)


@pytest.mark.parametrize(
    ("named", "projection"),
    [
        ((), "all"),
        (("driver", "resource_type"), "all"),
        (("team",), "team"),
        (("feature", "tenant"), "tenant+feature"),
        (("tenant", "team"), "full"),
    ],
)
def test_the_narrowest_projection_is_read(named: tuple[str, ...], projection: str) -> None:
    planned = plan(CostQuery(EVER, {}, named))
    assert isinstance(planned, Plan)
    assert planned.projection == projection


def test_a_year_is_read_by_days() -> None:
    planned = plan(CostQuery(Span(FIRST, FIRST + 365 * DAY), {}))
    assert isinstance(planned, Plan)
    assert len(planned.windows) == 365


@pytest.mark.parametrize(
    ("days", "granularity"),
    [(30_000, None), (30_000, Granularity.DAY), (900, Granularity.HOUR), (3, Granularity.MINUTE)],
)
def test_a_question_that_needs_too_many_windows_is_refused(days: int, granularity: Granularity | None) -> None:
    assert isinstance(plan(CostQuery(Span(0, days * DAY), {}, (), granularity)), Rejected)


def test_two_days_of_minutes_can_be_asked() -> None:
    assert isinstance(plan(CostQuery(Span(FIRST, FIRST + 2 * DAY), {}, (), Granularity.MINUTE)), Plan)


def test_nothing_is_billed_yet_and_the_best_is_what_was_metered() -> None:
    totals = {
        source: ask(CostQuery(EVER, {}, source=source), [CALL]).total for source in ("metered", "billing", "best")
    }
    assert totals == {"metered": Decimal(3), "billing": Decimal(0), "best": Decimal(3)}


def test_filters_by_driver_and_resource_type_select_lines() -> None:
    egress = CALL._replace(resource_type="network.egress_gb", amount=Decimal(5))
    for wanted in ({"driver": frozenset({"network"})}, {"resource_type": frozenset({"network.egress_gb"})}):
        assert ask(CostQuery(EVER, wanted), [CALL, egress]).total == Decimal(5)


def test_units_are_told_only_where_all_lines_are_of_one_resource_type() -> None:
    egress = CALL._replace(resource_type="network.egress_gb")
    mixed = ask(CostQuery(EVER, {}), [CALL, egress])
    apart = ask(CostQuery(EVER, {}, ("resource_type",)), [CALL, CALL, egress])
    assert [group.units for group in mixed.groups] == [None]
    assert [(group.key, group.units) for group in apart.groups] == [
        (("compute.requests",), Decimal(4)),
        (("network.egress_gb",), Decimal(2)),
    ]


def test_groups_are_ordered_by_time_then_dearest_first_then_key() -> None:
    def spent(tenant: str, amount: int, at: int = FIRST) -> Priced:
        return CALL._replace(scope=(tenant, *CALL.scope[1:]), amount=Decimal(amount), minute=at)

    happened = [spent("b", 1), spent("a", 1), spent("c", 7), spent("a", 9, FIRST + HOUR)]
    whole = ask(CostQuery(EVER, {}, ("tenant",)), happened)
    hours = ask(CostQuery(EVER, {}, ("tenant",), Granularity.HOUR), happened)
    assert [group.key for group in whole.groups] == [("a",), ("c",), ("b",)]
    assert [group.key for group in hours.groups] == [("c",), ("a",), ("b",), ("a",)]


def test_more_groups_than_anybody_reads_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("domain.queries.folding.MAX_GROUPS", 2)
    query = CostQuery(EVER, {}, ("tenant",))
    happened = [CALL._replace(scope=(name, *CALL.scope[1:])) for name in ("a", "b", "c")]
    assert isinstance(Fold(query, "tenant").add(rows(happened, "tenant", plan_of(query).windows)), Rejected)


def plan_of(query: CostQuery) -> Plan:
    planned = plan(query)
    assert isinstance(planned, Plan)
    return planned
