"""Hours from the API in bearable parts, and what was told from the topics."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from app.backtesting import TooManyError, history, told
from domain.windows import HOUR, to_rfc3339

START = 1_793_491_200
KEY = {
    "tenant": "acme", "environment": "production", "feature": "search", "service": "ranker", "team": "search",
    "resource_type": "compute.requests",
}  # fmt: skip


class Costs:
    """Answers with a dollar in every third hour, for at most so many hours at once."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.asked: list[int] = []

    def __call__(self, question: dict[str, str]) -> Any:
        assert (question["granularity"], question["source"]) == ("hour", "metered")
        hours = [
            at for at in range(START, START + 48 * HOUR, HOUR) if question["start"] <= to_rfc3339(at) < question["end"]
        ]
        self.asked.append(len(hours))
        if len(hours) > self.most:
            raise TooManyError("more than 100,000 groups")
        groups = [
            {"key": KEY, "start": to_rfc3339(at), "amount": "1.00", "units": "4", "events": 2}
            for at in hours
            if at // HOUR % 3 == 0
        ]
        return {"groups": groups}


def test_every_hour_comes_once_and_in_order_however_much_is_answered_at_once() -> None:
    costs = Costs(most=7)
    hours = list(history(costs, START, START + 48 * HOUR))
    assert [hour for hour, _ in hours] == list(range(START, START + 48 * HOUR, HOUR))
    assert sum(len(lines) for _, lines in hours) == 16
    assert costs.asked[:3] == [24, 12, 6]


def test_an_hour_that_is_too_much_by_itself_is_an_error() -> None:
    with pytest.raises(TooManyError):
        list(history(Costs(most=0), START, START + HOUR))


def event(kind: str, at: int, data: dict[str, Any]) -> bytes:
    return orjson.dumps({"type": kind, "time": to_rfc3339(at), "data": data})


def test_what_was_told_is_read_back_from_the_events_of_those_days() -> None:
    crossed = {
        "kind": "actual", "direction": "crossed", "threshold": "0.7", "scope": {"tenant": "acme"},
        "period": {"start": to_rfc3339(START)}, "flags": [{"key": "tier", "variant": "off"}],
    }  # fmt: skip
    odd = {"scope": {}, "kind": "spike", "driver": "compute", "direction": "above"}
    events = [
        event("costguard.budget.threshold-crossed", START + 60, crossed),
        event("costguard.anomaly.detected", START + HOUR, odd),
        event("costguard.anomaly.closed", START + HOUR, odd),
        event("costguard.budget.threshold-crossed", START - 60, crossed),
    ]
    found = list(told(events, START, START + 2 * HOUR))
    assert [(each.scope, each.detail, each.flags) for each in found] == [
        ("tenant=acme", "actual crossed 0.7", ("tier=off",)),
        ("all", "spike, compute", ()),
    ]
