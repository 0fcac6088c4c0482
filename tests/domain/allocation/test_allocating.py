from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.allocation import Allocator, Usage, UsageLine, usage_of, users_seen
from domain.allocation.drivers import METERS, NAMES
from domain.cells import CostRow
from domain.money import add_up
from domain.scope import UNATTRIBUTED, Scope
from domain.windows import DAY, Granularity, Window
from tests.domain.allocation.cases import PLATFORM, borne, charge, rule, used

if TYPE_CHECKING:
    from random import Random

    from domain.allocation import Charge


def test_shared_cost_is_split_by_request_share_and_stays_of_its_service_and_source() -> None:
    parts = Allocator([rule()], Usage([used("acme", "30"), used("globex", "70")])).allocate(charge())
    assert borne(parts) == {"acme": "270", "globex": "630"}
    assert {part.scope.service for part in parts} == {"platform"}


@pytest.mark.parametrize(("driver", "kind"), METERS.items())
def test_each_meter_counts_its_own_kind_of_usage_only(driver: str, kind: str) -> None:
    lines = [used("acme", "1", kind), used("globex", "3", kind), used("acme", "1000", "network.egress_gb")]
    assert borne(Allocator([rule(driver=driver)], Usage(lines)).allocate(charge("4"))) == {"acme": "1", "globex": "3"}


def test_any_meter_is_a_driver() -> None:
    lines = [used("acme", "1", "network.egress_gb"), used("globex", "1", "network.egress_gb"), used("x", "9")]
    parts = Allocator([rule(driver="network.egress_gb")], Usage(lines)).allocate(charge("4"))
    assert borne(parts) == {"acme": "2", "globex": "2"}


def test_events_are_counted_whatever_they_metered() -> None:
    lines = [used("acme", "7"), used("acme", "0", "storage.operations"), used("globex", "9", "network.egress_gb")]
    assert borne(Allocator([rule(driver="events")], Usage(lines)).allocate(charge("3"))) == {"acme": "2", "globex": "1"}


def test_even_parts_go_to_whoever_used_anything_and_has_a_name() -> None:
    lines = [used("acme", "1"), used("globex", "1000"), used(UNATTRIBUTED, "5")]
    assert borne(Allocator([rule(driver="even")], Usage(lines)).allocate(charge("3"))) == {
        "acme": "1.5", "globex": "1.5",
    }  # fmt: skip


def test_weights_need_no_usage() -> None:
    weighted = rule(
        driver="weights", weights={"tenant=acme": Decimal(60), "tenant=b": Decimal(40), "tenant=c": Decimal(0)}
    )
    assert borne(Allocator([weighted], Usage()).allocate(charge("1"))) == {"acme": "0.6", "b": "0.4"}


def test_usage_that_nobody_is_named_for_bears_its_share_unattributed() -> None:
    lines = [used("acme", "1"), used(UNATTRIBUTED, "3")]
    assert borne(Allocator([rule()], Usage(lines)).allocate(charge("4"))) == {"acme": "1", UNATTRIBUTED: "3"}


def test_without_the_driver_active_users_decide_and_without_those_nobody() -> None:
    users = [used("acme", "1", "shared.active_users"), used("globex", "3", "shared.active_users")]
    by_users = Allocator([rule()], Usage(users)).allocate(charge("4"))
    assert borne(by_users) == {"acme": "1", "globex": "3"}
    assert {part.driver.name for part in by_users} == {"active_users"}
    by_nobody = Allocator([rule()], Usage()).allocate(charge("4"))
    assert borne(by_nobody) == {UNATTRIBUTED: "4"}
    assert {part.driver.name for part in by_nobody} == {UNATTRIBUTED}


def test_users_that_usage_named_count_where_no_event_told_how_many_there_were() -> None:
    told = [used("acme", "1", "shared.active_users")]
    named = {0: {"acme": 50, "globex": 3}, DAY: {"acme": 2}}
    lines = [*told, *users_seen(told, named)]
    assert borne(Allocator([rule(driver="active_users")], Usage(lines)).allocate(charge("4"))) == {
        "acme": "1", "globex": "3",
    }  # fmt: skip
    assert borne(Allocator([rule()], Usage(lines)).allocate(charge("4", day=1))) == {"acme": "4"}


@pytest.mark.parametrize("driver", ["events", "even"])
def test_a_number_of_users_is_no_usage(driver: str) -> None:
    lines = [used("acme", "1"), *users_seen([], {0: {"acme": 5, "globex": 9}})]
    to = ["tenant", "feature"]
    assert borne(Allocator([rule(driver=driver, to=to)], Usage(lines)).allocate(charge("4"))) == {"acme": "4"}


def test_fallbacks_are_tried_in_order() -> None:
    chain = rule(driver="cpu", fallback=["storage_operations", "even"])
    lines = [used("acme", "1", "storage.operations"), used("globex", "1")]
    assert borne(Allocator([chain], Usage(lines)).allocate(charge("2"))) == {"acme": "2"}
    assert borne(Allocator([chain], Usage(lines[1:])).allocate(charge("2"))) == {"globex": "2"}


def test_a_receiver_whose_usage_was_corrected_below_zero_bears_nothing_and_is_paid_nothing() -> None:
    lines = [used("acme", "5"), used("globex", "2"), used("globex", "-9")]
    assert borne(Allocator([rule()], Usage(lines)).allocate(charge("4"))) == {"acme": "4"}


def test_a_net_credit_is_shared_by_usage_so_no_share_exceeds_the_whole() -> None:
    parts = Allocator([rule()], Usage([used("acme", "1"), used("globex", "3")])).allocate(charge("-10"))
    assert borne(parts) == {"acme": "-2.5", "globex": "-7.5"}


def test_only_usage_of_the_day_of_the_charge_counts() -> None:
    allocator = Allocator([rule()], Usage([used("acme", "1"), used("globex", "1", day=1)]))
    assert borne(allocator.allocate(charge("4"))) == {"acme": "4"}
    assert borne(allocator.allocate(charge("4", day=1))) == {"globex": "4"}
    assert borne(allocator.allocate(charge("4", day=2))) == {UNATTRIBUTED: "4"}


def test_among_says_whose_usage_counts() -> None:
    lines = [used("acme", "1"), used("acme", "7", environment="dev"), used("ops", "5"), used("globex", "1")]
    among = rule(among={"environment": ["production"], "tenant": ["!ops"]})
    assert borne(Allocator([among], Usage(lines)).allocate(charge("4"))) == {"acme": "2", "globex": "2"}


def test_receivers_replace_just_the_dimensions_of_the_rule() -> None:
    lines = [used("acme", "1", feature="search"), used("acme", "1", feature="chat")]
    shared = charge("4", scope=Scope(service="platform", team="infra", environment="staging"))
    parts = Allocator([rule(to=["feature", "tenant"])], Usage(lines)).allocate(shared)
    assert [part.scope for part in parts] == [
        Scope("acme", "staging", "chat", "platform", "infra"),
        Scope("acme", "staging", "search", "platform", "infra"),
    ]


def test_the_first_rule_that_selects_a_charge_has_it() -> None:
    rules = [rule(id="none", select={"service": ["other"]}), rule(id="first"), rule(id="second", driver="even")]
    parts = Allocator(rules, Usage([used("acme", "1")])).allocate(charge())
    assert [part.rule.id for part in parts] == ["first"]


def test_a_charge_that_no_rule_selects_stays_as_it_is() -> None:
    assert Allocator([rule()], Usage([used("acme", "1")])).allocate(charge(scope=Scope(service="ranker"))) == []


@pytest.mark.parametrize(
    ("select", "selected"),
    [
        ({"source": ["billed"], "provider": ["a*"], "category": ["usage", "tax"], "driver": ["compute"]}, True),
        ({"resource_type": ["compute.kube*"], "tenant": [UNATTRIBUTED]}, True),
        ({"source": ["metered"]}, False),
        ({"provider": ["gcp"]}, False),
        ({"category": ["!usage"]}, False),
        ({"category": ["!tax", "!credit"]}, True),
        ({"provider": ["a*", "!aws"]}, False),
        ({"tenant": [f"!{UNATTRIBUTED}"]}, False),
    ],
)
def test_rules_select_by_scope_and_where_cost_came_from(select: dict[str, list[str]], selected: bool) -> None:  # noqa: FBT001
    assert bool(Allocator([rule(select=select)], Usage()).allocate(charge())) is selected


def test_a_new_version_of_a_rule_leaves_the_past_alone() -> None:
    versions = [
        rule(version=1, until=date(1970, 1, 2)),
        rule(version=2, since=date(1970, 1, 2), driver="even"),
    ]
    allocator = Allocator(
        versions,
        Usage([used(name, units, day=day) for name, units in (("acme", "1"), ("globex", "3")) for day in (0, 1)]),
    )
    assert borne(allocator.allocate(charge("4"))) == {"acme": "1", "globex": "3"}
    assert borne(allocator.allocate(charge("4", day=1))) == {"acme": "2", "globex": "2"}


def test_a_replay_gives_the_same_ids_and_another_version_others() -> None:
    usage = Usage([used("acme", "1"), used("globex", "3")])
    first, again = (Allocator([rule()], usage).allocate(charge()) for _ in range(2))
    newer = Allocator([rule(version=2)], usage).allocate(charge())
    assert [part.id for part in first] == [part.id for part in again]
    assert not {part.id for part in first} & {part.id for part in newer}


def test_a_line_keeps_its_usage_and_gives_its_amount_to_the_receivers() -> None:
    window = Window(Granularity.HOUR, 7200)
    line = CostRow(window, PLATFORM, "compute.cpu_seconds", "metered/aws", "", Decimal(4), Decimal(60), 9, 1)
    kept, *given = Allocator([rule()], Usage([used("acme", "1"), used("globex", "3")])).allocate_line(line)
    assert kept == line._replace(amount=Decimal(0))
    assert [(Scope(*each.scope), each.amount) for each in given] == [
        (PLATFORM._replace(tenant="acme"), Decimal(1)),
        (PLATFORM._replace(tenant="globex"), Decimal(3)),
    ]
    assert not any(each.units or each.events or each.unpriced for each in given)
    assert {(each.window, each.source) for each in given} == {(window, "metered/aws")}


def test_a_line_that_no_rule_selects_is_itself() -> None:
    line = CostRow(Window(Granularity.DAY, 0), Scope(), "compute.x", "metered", "", Decimal(4), Decimal(1), 1, 0)
    assert list(Allocator([rule()], Usage()).allocate_line(line)) == [line]


def test_usage_is_what_was_metered_and_drives_a_rule() -> None:
    day = Window(Granularity.DAY, 86_400)
    requests = CostRow(day, Scope("acme"), "compute.requests", "metered/aws", "", Decimal(4), Decimal(60), 9, 0)
    others = [
        requests._replace(source="billed/aws/billed/usage"),
        requests._replace(resource_type="network.egress_gb"),
    ]
    found = UsageLine(86_400, Scope("acme"), "compute.requests", Decimal(60), 9)
    assert list(usage_of([requests, *others], [rule()])) == [found]
    assert len(list(usage_of([requests, *others], [rule(driver="events")]))) == 2


names = st.sampled_from(["acme", "globex", "initech", UNATTRIBUTED])
kinds = st.sampled_from([*METERS.values(), "network.egress_gb"])
quantities = st.decimals(-100, 10**9, places=6, allow_nan=False)
days = st.integers(0, 2)


@st.composite
def usage_lines(draw: st.DrawFn) -> UsageLine:
    scope = Scope(tenant=draw(names), feature=draw(names))
    return UsageLine(draw(days) * 86_400, scope, draw(kinds), draw(quantities), draw(st.integers(0, 9)))


@given(
    st.lists(usage_lines(), max_size=30),
    st.decimals(-(10**7), 10**7, places=14, allow_nan=False),
    st.sampled_from([name for name in NAMES if name != "weights"]),
    st.sampled_from([["tenant"], ["feature"], ["tenant", "feature"]]),
    days,
)
def test_allocation_conserves_whatever_the_usage(
    lines: list[UsageLine], amount: Decimal, driver: str, to: list[str], day: int
) -> None:
    parts = Allocator([rule(driver=driver, to=to)], Usage(lines)).allocate(charge(str(amount), day=day))
    assert add_up(part.amount for part in parts) == amount
    assert add_up(part.ratio for part in parts) == 1
    assert len({part.scope for part in parts}) == len(parts) == len({part.id for part in parts})


@given(st.lists(usage_lines(), max_size=20), st.randoms(use_true_random=False))
def test_the_order_of_usage_does_not_matter(lines: list[UsageLine], random: Random) -> None:
    shuffled = list(lines)
    random.shuffle(shuffled)
    assert _all(lines, charge("7")) == _all(shuffled, charge("7"))


def _all(lines: list[UsageLine], whole: Charge) -> list[object]:
    return [(part.id, part.amount) for part in Allocator([rule(driver="events")], Usage(lines)).allocate(whole)]
