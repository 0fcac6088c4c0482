"""Which scopes are judged every five minutes."""

from __future__ import annotations

import pytest

from domain.anomaly.choosing import candidate
from domain.anomaly.spend import WARM
from domain.anomaly.state import SpendState

REQUESTS = "compute.requests"


def state(events: float) -> SpendState:
    return SpendState(version=0, hour=0, hours=WARM, slow=1.0, prices={REQUESTS: [0.0, 0.0, events]})


@pytest.mark.parametrize(
    ("projection", "values", "events", "is_one"),
    [
        ("tenant+feature", ("acme", "search"), 12.0, True),
        ("tenant+feature", ("acme", "search"), 3.0, False),
        # Many sparse scopes together: what is odd in one of them is told under its own name, at the end of its hour.
        ("all", (), 12.0, False),
        ("tenant", ("acme",), 119.0, False),
        ("tenant", ("acme",), 120.0, True),
    ],
)
def test_few_events_are_enough_where_the_cost_is_somebodys(
    projection: str, values: tuple[str, ...], events: float, *, is_one: bool
) -> None:
    found = candidate((projection, values, "compute"), state(events), least_events=4, minimum=1.0)
    assert (found is not None) is is_one
