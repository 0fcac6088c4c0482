"""The dearest resources of a bill: what is told and the rest are all of it, whatever the order and however many."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from domain.billing import resource_tally
from domain.billing.resource_tally import ResourceTally
from domain.billing.resources import ToldGuess
from domain.money import add_up
from domain.ownership import Owner, Ownership
from tests.domain.billing.test_books import NOVEMBER, row

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

    from domain.billing.resources import ResourceCost
    from domain.billing.row import BillingRow

GROUP = "/subscriptions/s/resourceGroups/Feed/providers/Microsoft.Compute/virtualMachines"


def charge(cost: str, resource: str = "i-1", *, day: int = 0, **more: Any) -> BillingRow:
    start = NOVEMBER + timedelta(days=day, hours=more.pop("hour", 3))
    one = row(cost, assembly="e1", resource_id=resource, service_name="Amazon EC2", sub_account_id="7")
    return msgspec.structs.replace(one, charge_period_start=start, **more)


def told(rows: Iterable[BillingRow], **options: Any) -> dict[int, list[ResourceCost]]:
    tally = ResourceTally(options.pop("team_of", Ownership().team_of), **options)
    for one in rows:
        tally.add([one])
    first = int(NOVEMBER.timestamp())
    return {(each.day - first) // 86_400: each.costs for each in tally.told()}


def sums(days: dict[int, list[ResourceCost]]) -> dict[tuple[int, str], str]:
    found: defaultdict[tuple[int, str], Decimal] = defaultdict(Decimal)
    for day, costs in days.items():
        for cost in costs:
            found[day, cost.resource] += cost.amounts[0] or 0
    return {key: str(amount) for key, amount in found.items()}


def guesses(days: dict[int, list[ResourceCost]], resource: str = "i-1") -> list[tuple[str, str, str, str]]:
    found = [guess for costs in days.values() for cost in costs if cost.resource == resource for guess in cost.guesses]
    return [(*guess[:3], str(guess.share)) for guess in dict.fromkeys(found)]


def test_hours_of_a_day_and_lines_that_differ_in_nothing_told_are_one_cost() -> None:
    (costs,) = told([charge("1", hour=3), charge("2", hour=9, sku_id="x"), charge("4", hour=23)]).values()
    assert [(cost.rows, cost.amounts[0]) for cost in costs] == [(3, Decimal(7))]


def test_the_dearest_are_told_with_a_credit_weighing_as_a_cost() -> None:
    rows = [charge("5", "i-1"), charge("-9", "i-2"), charge("7", "i-3"), charge("20", "i-4", team="core")]
    days = told(rows, max_resources=2)
    assert set(sums(told([*rows, charge("30", "i-4", day=1)]))) >= {(1, "i-4"), (0, "i-4")}, "owned elsewhere"
    # No tenant is named at all: `i-4` is the dearest without one, `i-2` the dearest without a team.
    assert sums(days) == {(0, "i-2"): "-9", (0, "i-4"): "20"}


def test_a_resource_that_owners_have_whole_is_not_told() -> None:
    scope: dict[str, Any] = {"tenant": "t", "environment": "e", "feature": "f", "service": "s", "team": "core"}
    assert told([charge("20", **scope)]) == {}
    unnamed = scope | {"team": "unattributed"}
    assert told([charge("20", **unnamed)], team_of=Ownership([Owner("s", "core")]).team_of) == {}
    assert told([charge("20", **unnamed)]) != {}
    assert told([charge("20", "")]) == {}


def test_the_same_resource_goes_before_a_tag_and_a_tag_before_the_resource_group() -> None:
    lost = charge("1", f"{GROUP}/a", tags={"stack": "feed"})
    same = charge("5", f"{GROUP}/a", day=2, team="core")
    tagged = charge("5", "i-9", tags={"stack": "feed"}, team="ads")
    near = charge("5", f"{GROUP.casefold()}/b", team="search", tags={"stack": "shop"})
    name = f"{GROUP}/a"
    assert guesses(told([lost, same, tagged, near]), name) == [("team", "core", "resource", "1.0000")]
    assert guesses(told([lost, tagged, near]), name) == [("team", "ads", "tag", "1.0000")]
    assert guesses(told([lost, near]), name) == [("team", "search", "resource group", "1.0000")]
    assert guesses(told([lost]), name) == []


def test_no_guess_is_told_where_the_owner_is() -> None:
    days = told([charge("1"), charge("5", team="core")])
    assert [(cost.scope[4], [guess.owner for guess in cost.guesses]) for cost in days[0]] == [
        ("core", []),
        ("unattributed", ["core"]),
    ]


def test_an_owner_of_half_is_no_guess() -> None:
    days = told([charge("1"), charge("5", team="core"), charge("-5", team="ads")])
    assert guesses(days) == []
    assert guesses(told([charge("1"), charge("5", team="core"), charge("-4", team="ads")])) == [
        ToldGuess("team", "core", "resource", "0.5556")  # type: ignore[arg-type]
    ]


def test_a_day_has_as_many_costs_as_may_be_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource_tally, "MAX_DAY_BYTES", 500)
    rows = [charge(str(number), f"i-{number}", day=day) for number in range(1, 9) for day in range(2)]
    days = told(rows)
    assert sorted(days) == [0, 1]
    assert all(0 < len(costs) < 8 and costs[0].resource == "i-8" for costs in days.values())


_ROWS = st.lists(
    st.builds(
        charge,
        st.integers(-50, 50).map(str),
        st.sampled_from(["", "i-1", "i-2", "i-3", "i-4"]),
        day=st.integers(0, 2),
        team=st.sampled_from(["unattributed", "core", "ads"]),
        tags=st.sampled_from([{}, {"stack": "feed"}, {"stack": "shop"}]),
        charge_category=st.sampled_from(["Usage", "Credit"]),
    ),
    max_size=40,
)


@given(_ROWS, st.integers(1, 4))
def test_what_is_told_of_a_resource_is_all_of_it(rows: list[BillingRow], most: int) -> None:
    days = told(rows, max_resources=most)
    first = NOVEMBER.date()
    names = {cost.resource for costs in days.values() for cost in costs}
    assert len(names) <= most
    for name in names:
        for day in range(3):
            mine = [
                one for one in rows if one.resource_id == name and (one.charge_period_start.date() - first).days == day
            ]
            costs = [cost for cost in days.get(day, ()) if cost.resource == name]
            assert add_up(cost.amounts[0] or Decimal(0) for cost in costs) == sum(one.billed_cost or 0 for one in mine)
            assert sum(cost.rows for cost in costs) == len(mine)


@given(st.data())
def test_the_order_of_lines_changes_nothing_that_is_told_while_all_fits(data: st.DataObject) -> None:
    rows = data.draw(_ROWS.map(lambda found: [one for one in found if len(one.tags) == 0]))
    shuffled = data.draw(st.permutations(rows))

    def plain(days: dict[int, list[ResourceCost]]) -> Any:
        return {day: sorted(map(repr, costs)) for day, costs in days.items()}

    assert plain(told(rows, max_resources=2)) == plain(told(shuffled, max_resources=2))


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 99), st.integers(0, 2)), max_size=200))
def test_beyond_what_is_remembered_never_too_much_is_told(lines: list[tuple[int, int, int]]) -> None:
    rows = [charge(str(cost), f"i-{name}", day=day) for name, cost, day in lines]
    days = told(rows, max_cells=12, max_resources=5)
    for (day, name), amount in sums(days).items():
        all_of_it = sum(cost for at, cost, when in lines if (f"i-{at}", when) == (name, day))
        assert 0 < Decimal(amount) <= all_of_it


def test_the_dearest_stays_while_a_crowd_passes() -> None:
    crowd = [charge("1", f"i-{number}", day=number % 3) for number in range(500)]
    dear = [charge("3", "dear", day=number % 3) for number in range(30)]
    rows = [dear.pop(0) if number % 17 == 0 and dear else one for number, one in enumerate(crowd)]
    days = told([*rows, *dear], max_cells=60, max_resources=1)
    assert {name for _, name in sums(days)} == {"dear"}
    assert add_up(map(Decimal, sums(days).values())) == 90
