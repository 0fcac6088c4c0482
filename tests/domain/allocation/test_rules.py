from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from domain.allocation import Rule, Wording, make_rule
from domain.allocation.drivers import Driver
from domain.rejection import Rejected

GOOD: dict[str, Any] = {"id": "platform", "driver": "requests", "select": {"service": ["platform"]}}


def test_a_rule_is_for_tenants_and_falls_back_to_active_users() -> None:
    made = make_rule(Wording(**GOOD))
    assert isinstance(made, Rule)
    assert made.to == ("tenant",)
    assert made.drivers == (Driver("requests", "compute.requests"), Driver("active_users", "shared.active_users"))


def test_dimensions_have_one_order_so_that_weights_name_receivers_whatever_theirs() -> None:
    made = make_rule(
        Wording(**GOOD | {"driver": "weights", "to": ["team", "tenant"], "weights": {"team=x,tenant=a": Decimal(2)}})
    )
    assert isinstance(made, Rule)
    assert (made.to, made.weights) == (("tenant", "team"), ((("a", "x"), Decimal(2)),))


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"id": " "}, "id: must have 1 to 64 characters"),
        ({"version": 0}, "version: 0 is not 1 or more"),
        ({"driver": "spend"}, "driver: 'spend' is neither one of events, requests"),
        ({"fallback": ["users"]}, "fallback: 'users' is neither"),
        ({"select": {}}, "select: names nothing"),
        ({"select": {"colour": ["red"]}}, "select: 'colour' is not one of tenant,"),
        ({"select": {"service": []}}, "select: service has no pattern"),
        ({"select": {"service": ["!"]}}, "select: service has no pattern"),
        ({"to": []}, "to: names no dimension"),
        ({"to": ["driver"]}, "to: 'driver' is not one of tenant,"),
        ({"among": {"provider": ["aws"]}}, "among: 'provider' is not one of tenant,"),
        ({"driver": "weights"}, "weights: missing"),
        ({"weights": {"tenant=acme": Decimal(1)}}, "weights: neither driver nor fallback is weights"),
        ({"driver": "weights", "weights": {"acme": Decimal(1)}}, "weights: scope 'acme'"),
        ({"driver": "weights", "weights": {"team=x": Decimal(1)}}, "weights: 'team=x' does not name just tenant"),
        ({"driver": "weights", "weights": {"tenant=a": Decimal(-1)}}, "weights: -1 of 'tenant=a' is not 0 or more"),
        ({"driver": "weights", "weights": {"tenant=a": Decimal("NaN")}}, "weights: NaN of 'tenant=a'"),
        ({"driver": "weights", "weights": {"tenant=a": Decimal(0)}}, "weights: all are zero"),
        ({"capacity": "nodes"}, "capacity: 'nodes' is not a meter"),
        ({"driver": "even", "capacity": "compute.x"}, "capacity: 'even' is no use of a capacity"),
        ({"driver": "cpu", "capacity": "compute.cpu_seconds"}, "capacity: 'cpu' is no use of a capacity"),
        ({"since": date(2026, 2, 1), "until": date(2026, 2, 1)}, "until: 2026-02-01 is not after since"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused_with_the_key(changed: dict[str, Any], why: str) -> None:
    made = make_rule(Wording(**GOOD | changed))
    assert isinstance(made, Rejected)
    assert made.reason.startswith(why)
