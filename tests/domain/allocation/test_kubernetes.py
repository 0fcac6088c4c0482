from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.allocation.kubernetes import DEFAULT_UNIT_COSTS, NodeSplit, Resources, UnitCosts, split_node
from domain.money import ZERO, add_up

EQUAL = UnitCosts(Decimal(1), Decimal(1))
quantities = st.decimals(0, 10**15, places=5, allow_nan=False)


def resources(cpu: int, memory: int) -> Resources:
    return Resources(Decimal(cpu), Decimal(memory))


def test_pods_bear_what_they_requested_and_the_rest_is_idle() -> None:
    split = split_node(Decimal(8), resources(100, 100), [resources(25, 50), resources(25, 0)], EQUAL)
    assert split == NodeSplit([Decimal(3), Decimal(1)], Decimal(4))


def test_on_an_over_committed_node_nothing_is_idle_and_requests_share_it() -> None:
    split = split_node(Decimal(8), resources(100, 100), [resources(150, 100), resources(50, 100)], EQUAL)
    assert split == NodeSplit([Decimal(5), Decimal(3)], ZERO)


def test_a_node_without_pods_is_all_idle() -> None:
    assert split_node(Decimal("1.23"), resources(4, 16), []) == NodeSplit([], Decimal("1.23"))


def test_processors_and_memory_weigh_as_they_are_priced_by_themselves() -> None:
    # A core-hour and a GiB-hour, at their own prices: the node costs as much as they do, and is split so.
    cost = Decimal("0.031611") + Decimal("0.004237")
    split = split_node(cost, resources(3600, 3600 * 2**30), [resources(3600, 0), resources(0, 3600 * 2**30)])
    assert split == NodeSplit([Decimal("0.031611"), Decimal("0.004237")], ZERO)


def test_a_node_without_capacity_is_our_mistake() -> None:
    with pytest.raises(ValueError, match="above zero"):
        split_node(Decimal(1), resources(0, 0), [])


@given(
    st.decimals(-(10**6), 10**6, places=12, allow_nan=False),
    st.builds(Resources, quantities.filter(bool), quantities.filter(bool)),
    st.lists(st.builds(Resources, quantities, quantities), max_size=20),
)
def test_pods_and_idle_sum_to_the_node(cost: Decimal, capacity: Resources, requests: list[Resources]) -> None:
    split = split_node(cost, capacity, requests, DEFAULT_UNIT_COSTS)
    assert add_up([*split.pods, split.idle]) == cost
    assert all(part * cost >= 0 for part in [*split.pods, split.idle])
