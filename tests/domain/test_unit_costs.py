"""What one request, one GB and a thousand tokens cost."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given

from domain import unit_costs as costs
from domain.queries import CostQuery, Fold, Plan, Span, plan
from domain.unit_costs import BY, PRODUCED, Production, UnitCost, unit_costs
from domain.windows import DAY
from tests.domain.cost_events import DAYS, FIRST, Priced, events, rows

QUERY = CostQuery(Span(FIRST, FIRST + DAYS * DAY), {}, BY)
CALL = Priced(
    FIRST, ("acme", "production", "search", "ranker", "core"), "compute.requests", "request", Decimal(1), Decimal(2)
)
EGRESS = CALL._replace(resource_type="network.egress_gb", cost_unit="", units=Decimal(4), amount=Decimal(1))
TOKENS = CALL._replace(
    resource_type="third_party.llm_tokens", cost_unit="", units=Decimal(2500), amount=Decimal("0.005")
)


def production(happened: list[Priced], query: CostQuery = QUERY) -> Production:
    planned = plan(query)
    assert isinstance(planned, Plan)
    fold = Fold(query, planned.projection)
    assert fold.add(rows(happened, planned.projection, planned.windows)) is None
    return costs.production(fold.result())


def by_unit(happened: list[Priced], before: list[Priced] | None = None) -> dict[str, UnitCost]:
    return {each.unit: each for each in unit_costs(production(happened), production(before or []))}


def test_a_request_carries_all_that_its_feature_cost() -> None:
    request = by_unit([CALL, CALL, EGRESS, TOKENS])["request"]
    assert (request.count, request.cost, request.unit_cost) == (Decimal(2), Decimal("5.005"), Decimal("2.5025"))


def test_a_gigabyte_carries_its_egress_and_a_thousand_tokens_theirs() -> None:
    found = by_unit([CALL, EGRESS, TOKENS])
    assert (found["gb"].cost, found["gb"].unit_cost) == (Decimal(1), Decimal("0.25"))
    assert (found["1k_tokens"].count, found["1k_tokens"].unit_cost) == (Decimal("2.5"), Decimal("0.002"))


def test_unit_costs_have_twelve_digits_rounded_once() -> None:
    free = CALL._replace(amount=Decimal(0))
    assert by_unit([CALL, free, free])["request"].unit_cost == Decimal("0.666666666667")


def test_a_feature_that_produced_nothing_is_left_out() -> None:
    assert by_unit([CALL._replace(cost_unit="")]) == {}


def test_features_are_apart_and_in_order() -> None:
    other = CALL._replace(scope=("acme", "production", "chat", "ranker", "core"), amount=Decimal(8))
    lines = unit_costs(production([CALL, other]), {})
    assert [(each.feature, each.unit_cost) for each in lines] == [("chat", Decimal(8)), ("search", Decimal(2))]


def test_a_filter_narrows_cost_and_count_alike() -> None:
    other = CALL._replace(scope=("globex", *CALL.scope[1:]), amount=Decimal(100))
    query = QUERY._replace(filters={"tenant": frozenset({"acme"})})
    (request,) = unit_costs(production([CALL, other], query), {})
    assert (request.count, request.cost) == (Decimal(1), Decimal(2))


def test_the_trend_is_the_change_of_the_unit_cost_not_of_the_volume() -> None:
    dearer = CALL._replace(amount=Decimal("2.5"))
    assert by_unit([dearer] * 10, before=[CALL])["request"].trend_percent == Decimal(25)
    assert by_unit([CALL] * 10, before=[CALL])["request"].trend_percent == Decimal(0)
    assert by_unit([CALL], before=[dearer])["request"].trend_percent == Decimal(-20)


def test_there_is_no_trend_without_something_to_compare_with() -> None:
    free = CALL._replace(amount=Decimal(0))
    assert by_unit([CALL])["request"].trend_percent is None
    assert by_unit([CALL], before=[free])["request"].trend_percent is None


def test_what_has_no_price_has_no_unit_cost_rather_than_none_to_pay() -> None:
    lost = TOKENS._replace(amount=None)
    tokens = by_unit([CALL, lost], before=[TOKENS])["1k_tokens"]
    assert (tokens.cost, tokens.unit_cost, tokens.trend_percent, tokens.unpriced) == (None, None, None, 1)
    free = CALL._replace(amount=Decimal(0))
    assert by_unit([free])["request"].unit_cost == 0


@given(events())
def test_counts_are_those_of_the_events(happened: list[Priced]) -> None:
    for each in unit_costs(production(happened), {}):
        mine = [event for event in happened if event.scope[2] == each.feature]
        if each.unit in PRODUCED:
            assert each.count == sum(event.cost_unit == each.unit for event in mine)
