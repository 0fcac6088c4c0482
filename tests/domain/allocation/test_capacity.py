"""Idle cost: requests against capacity, as of the nodes of a Kubernetes cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from domain.allocation import Allocator, Rule, Usage, UsageLine
from domain.allocation.allocating import IDLE
from domain.money import add_up
from domain.scope import UNATTRIBUTED, Scope
from tests.domain.allocation.cases import borne, charge, rule, used

if TYPE_CHECKING:
    from decimal import Decimal

CAPACITY = "compute.cpu_capacity_seconds"


def cluster(**changed: object) -> Rule:
    return rule(**{"driver": "cpu", "capacity": CAPACITY} | changed)


def requested(tenant: str, seconds: str, **more: Any) -> UsageLine:
    return used(tenant, seconds, "compute.cpu_seconds", **more)


def nodes(seconds: str, **more: Any) -> UsageLine:
    return used("ops", seconds, CAPACITY, **more)


def shares(rule: Rule, *lines: UsageLine, amount: str = "8") -> dict[str, str]:
    return borne(Allocator([rule], Usage(lines)).allocate(charge(amount)))


def test_receivers_bear_what_they_requested_of_the_capacity_and_the_rest_is_idle() -> None:
    lines = [requested("acme", "25"), requested("globex", "50"), nodes("60"), nodes("40")]
    assert shares(cluster(), *lines) == {"acme": "2", "globex": "4", IDLE: "2"}


def test_on_an_over_committed_day_nothing_is_idle_and_requests_share_it() -> None:
    assert shares(cluster(), requested("acme", "150"), requested("globex", "50"), nodes("100")) == {
        "acme": "6", "globex": "2",
    }  # fmt: skip


def test_a_cluster_that_nobody_uses_is_all_idle_and_is_no_active_users_to_bear() -> None:
    users = used("acme", "5", "shared.active_users")
    assert shares(cluster(), nodes("100"), users) == {IDLE: "8"}


def test_without_its_capacity_nothing_is_known_to_be_idle() -> None:
    assert shares(cluster(), requested("acme", "1")) == {"acme": "8"}
    assert shares(cluster()) == {UNATTRIBUTED: "8"}


def test_a_fallback_driver_uses_no_capacity() -> None:
    assert shares(cluster(driver="network.egress_gb", fallback=["cpu"]), requested("acme", "1")) == {"acme": "8"}


def test_among_is_of_the_capacity_too() -> None:
    lines = [requested("acme", "10"), nodes("20"), nodes("1000", environment="staging")]
    assert shares(cluster(among={"environment": ["production"]}), *lines) == {"acme": "4", IDLE: "4"}


quantities = st.decimals(0, 10**12, places=5, allow_nan=False)


@given(st.lists(quantities, max_size=8), quantities, st.decimals(-(10**6), 10**6, places=9, allow_nan=False))
def test_receivers_and_idle_sum_to_the_cluster(requests: list[Decimal], capacity: Decimal, amount: Decimal) -> None:
    lines = [UsageLine(0, Scope(f"t{i}"), "compute.cpu_seconds", each) for i, each in enumerate(requests)]
    parts = Allocator([cluster()], Usage([*lines, UsageLine(0, Scope(), CAPACITY, capacity)])).allocate(
        charge(str(amount))
    )
    assert add_up(part.amount for part in parts) == amount
    assert (IDLE in {part.scope.tenant for part in parts}) is (capacity > add_up(requests))
