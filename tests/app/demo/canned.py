"""Answers of the API and webhooks as a small, consistent system would give them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from app.demo.receiver import Received

WINDOW = {"start": "2026-10-01T00:00:00Z", "end": "2026-11-01T00:00:00Z"}
DAYS = ("2026-10-01T00:00:00Z", "2026-10-02T00:00:00Z")
AMOUNTS = {
    ("acme", "search"): Decimal("30.000001"),
    ("acme", "chat"): Decimal(50),
    ("globex", "chat"): Decimal(20),
}
SCOPE = {"tenant": "acme"}
STATUS = {
    "budget_id": "b-1",
    "scope": SCOPE,
    "spent": "80.000001",
    "limit": "100.00",
    "ratio": "0.80000001",
    "crossed": ["0.5", "0.7"],
}


def group(dimension: str, name: str, amount: str | None, day: str = DAYS[0]) -> dict[str, Any]:
    return {"key": {dimension: name}, "start": day, "amount": amount, "events": 1}


def crossing(threshold: str, direction: str = "crossed") -> dict[str, Any]:
    return {
        "id": f"{threshold}-{direction}",
        "type": "costguard.budget.threshold-crossed",
        "time": f"2026-10-24T0{threshold[2]}:12:00Z",
        "data": {
            "scope": SCOPE,
            "kind": "actual",
            "threshold": threshold,
            "direction": direction,
            "spent": f"{threshold}0",
        },
    }


FORESEEN = {
    "id": "foreseen",
    "type": "costguard.budget.threshold-crossed",
    "time": "2026-10-20T06:00:00Z",
    "data": {
        "scope": SCOPE,
        "kind": "forecast",
        "threshold": "1",
        "direction": "crossed",
        "spent": "40",
        "breach_at": "2026-10-27T12:00:00Z",
    },
}
ANOMALY = {
    "since": "2026-10-22T17:00:00Z",
    "kind": "level-shift",
    "severity": "high",
    "scope": SCOPE,
    "driver": "third_party",
    "at_stake": {"so_far": "347.92", "per_day": "117.61", "currency": "USD"},
}
FLAG_CHANGED = {
    "id": "f",
    "type": "costguard.flag.changed",
    "time": "2026-10-24T07:12:00Z",
    "data": {"key": "chat-tier", "variant": "throttled", "scope": SCOPE},
}
LETTERS = [
    {"data": {"reason": "not JSON: Expected a value (byte 7)"}},
    {"data": {"reason": "not JSON: Expected a value (byte 9)"}},
    {"data": {"reason": "units: missing"}},
]


def ask(path: str, **query: str) -> Any:
    if path != "/costs":
        return {
            "/budgets": {"budgets": [STATUS]},
            "/flags": {"flags": {"chat-tier": {}}},
            "/anomalies": {"judged_until": "2026-10-31T23:00:00Z", "anomalies": [ANOMALY]},
            "/dead-letters": {"dead_letters": LETTERS},
        }[path]
    groups = {
        "tenant": [
            group("tenant", "globex", "20"),
            group("tenant", "acme", "30.000001"),
            group("tenant", "acme", "50", DAYS[1]),
        ],
        "feature": [group("feature", "search", "30.000001"), group("feature", "chat", "70", DAYS[1])],
        "team": [group("team", "unattributed", "4.5"), group("team", "chat", None)],
    }.get(query.get("group_by", ""), [group(query.get("group_by", "all"), "x", "100.000001")])
    return {"total": "100.000001", "groups": groups, "unpriced": {"events": 1}}


def received() -> Received:
    events = [crossing("0.7"), crossing("0.5"), FORESEEN, FLAG_CHANGED]
    return Received(events={event["id"]: event for event in events}, deliveries=len(events))
