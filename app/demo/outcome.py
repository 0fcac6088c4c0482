"""What happened, read back from the system: the API's answers and the webhooks, to print and to check."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Protocol

from domain.budgets import ACTUAL, FORECAST
from domain.money import add_up
from domain.scope import DIMENSIONS, UNATTRIBUTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from app.demo.receiver import Received

CROSSED: Final = "costguard.budget.threshold-crossed"
FLAG_CHANGED: Final = "costguard.flag.changed"


class Ask(Protocol):
    """GET of the HTTP API: path and query, JSON out."""

    def __call__(self, path: str, **query: str) -> Any:
        """Return the decoded body; raise when the answer is not 200."""


@dataclass(frozen=True)
class Spend:
    """What one tenant or feature cost, and how that spread over the days of the month."""

    name: str
    amount: Decimal
    days: tuple[Decimal, ...]


@dataclass(frozen=True)
class Crossing:
    """A threshold crossed, at the event time that crossed it; or foreseen, then with the day on which it will be."""

    scope: str
    threshold: Decimal
    at: str
    spent: Decimal
    expected: str = ""


@dataclass(frozen=True)
class BudgetLine:
    """A budget's state at the end."""

    scope: str
    spent: Decimal
    limit: Decimal
    ratio: Decimal
    crossed: tuple[Decimal, ...]


@dataclass(frozen=True)
class FlagChange:
    """A flag whose variant changed because of a budget."""

    key: str
    variant: str
    scope: str
    at: str


@dataclass(frozen=True)
class Anomaly:
    """An odd cost: what it has come to so far."""

    since: str
    kind: str
    severity: str
    scope: str
    driver: str
    so_far: Decimal


@dataclass(frozen=True)
class Outcome:
    """Everything that the summary tells."""

    total: Decimal
    events: int
    unpriced: int
    tenants: tuple[Spend, ...]
    features: tuple[Spend, ...]
    budgets: tuple[BudgetLine, ...]
    crossings: tuple[Crossing, ...]
    foreseen: tuple[Crossing, ...]
    flag_changes: tuple[FlagChange, ...]
    flags: frozenset[str]
    anomalies: tuple[Anomaly, ...]
    rejected: Mapping[str, int]
    unattributed: Mapping[str, Decimal]
    webhooks: int
    refused: int
    deliveries: int


def read_outcome(ask: Ask, received: Received, *, start: str, end: str) -> Outcome:
    """Ask the API about `[start, end)` and put the webhooks received beside it."""
    window = {"start": start, "end": end}
    whole = ask("/costs", **window)
    tenants = ask("/costs", group_by="tenant", granularity="day", **window)
    return Outcome(
        total=Decimal(whole["total"]),
        events=sum(int(group["events"]) for group in tenants["groups"]),
        unpriced=int(whole["unpriced"]["events"]),
        tenants=read_spend(tenants),
        features=read_spend(ask("/costs", group_by="feature", granularity="day", **window)),
        budgets=read_budgets(ask("/budgets")["budgets"]),
        crossings=read_crossings(received.of_type(CROSSED)),
        foreseen=read_crossings(received.of_type(CROSSED), FORECAST),
        flag_changes=read_flag_changes(received.of_type(FLAG_CHANGED)),
        flags=frozenset(ask("/flags")["flags"]),
        anomalies=read_anomalies(ask("/anomalies", since=start)["anomalies"]),
        rejected=read_rejections(ask("/dead-letters", limit="1000")["dead_letters"]),
        unattributed={name: _unattributed(ask, name, window) for name in DIMENSIONS},
        webhooks=len(received.events),
        refused=received.refused,
        deliveries=received.deliveries,
    )


def caught_up(ask: Ask, received: Received, amounts: Mapping[tuple[str, str], Decimal]) -> bool:
    """Tell whether budgets saw all of `amounts` (by tenant and feature) and everybody heard about it."""
    statuses = ask("/budgets")["budgets"]
    for status in statuses:
        wanted = status["scope"].get("tenant"), status["scope"].get("feature")
        parts = (
            amount
            for cell, amount in amounts.items()
            if all(want in {None, value} for want, value in zip(wanted, cell, strict=True))
        )
        if Decimal(status["spent"]) != add_up(parts):
            return False
    crossed = sum(len(status["crossed"]) for status in statuses)
    return len(read_crossings(received.of_type(CROSSED))) >= crossed


def judged(ask: Ask) -> datetime | None:
    """Return up to when every hour was looked at for anomalies; None before any was."""
    until = ask("/anomalies")["judged_until"]
    return None if until is None else datetime.fromisoformat(until)


def read_spend(answer: Mapping[str, Any]) -> tuple[Spend, ...]:
    """Sum the days of `GET /costs?group_by=<one dimension>&granularity=day`, dearest first."""
    starts = sorted({group["start"] for group in answer["groups"]})
    days: dict[str, dict[str, Decimal]] = {}
    for group in answer["groups"]:
        (name,) = group["key"].values()
        days.setdefault(name, {})[group["start"]] = Decimal(group["amount"] or 0)
    spends = [
        Spend(name, add_up(by_day.values()), tuple(by_day.get(day, Decimal(0)) for day in starts))
        for name, by_day in days.items()
    ]
    return tuple(sorted(spends, key=lambda spend: (-spend.amount, spend.name)))


def read_budgets(statuses: Iterable[Mapping[str, Any]]) -> tuple[BudgetLine, ...]:
    """Read budget statuses, fullest first."""
    lines = [
        BudgetLine(
            scope_text(status["scope"]),
            Decimal(status["spent"]),
            Decimal(status["limit"]),
            Decimal(status["ratio"]),
            tuple(Decimal(threshold) for threshold in status["crossed"]),
        )
        for status in statuses
    ]
    return tuple(sorted(lines, key=lambda line: (-line.ratio, line.scope)))


def read_crossings(events: Sequence[Mapping[str, Any]], kind: str = ACTUAL) -> tuple[Crossing, ...]:
    """Read `BudgetThresholdCrossed` events of a kind, those that were crossed rather than cleared."""
    return tuple(
        Crossing(
            scope_text(data["scope"]),
            Decimal(data["threshold"]),
            str(event["time"]),
            Decimal(data["spent"]),
            data.get("breach_at") or "",
        )
        for event in events
        if (data := event["data"])["direction"] == "crossed" and data["kind"] == kind
    )


def read_anomalies(anomalies: Iterable[Mapping[str, Any]]) -> tuple[Anomaly, ...]:
    """Read `GET /anomalies`, dearest first."""
    found = [
        Anomaly(
            each["since"],
            each["kind"],
            each["severity"],
            scope_text(each["scope"]),
            each["driver"],
            abs(Decimal(each["at_stake"]["so_far"])),
        )
        for each in anomalies
    ]
    return tuple(sorted(found, key=lambda each: (-each.so_far, each.since, each.scope)))


def read_flag_changes(events: Sequence[Mapping[str, Any]]) -> tuple[FlagChange, ...]:
    """Read `costguard.flag.changed` events that put a variant in force."""
    return tuple(
        FlagChange(data["key"], data["variant"], scope_text(data["scope"]), str(event["time"]))
        for event in events
        if (data := event["data"]).get("variant") is not None
    )


def read_rejections(letters: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Count dead letters by the beginning of their reason, most frequent first."""
    counts: dict[str, int] = {}
    for letter in letters:
        reason = str(letter.get("data", letter)["reason"])
        kind = reason.split(" (", 1)[0].split(" - at", 1)[0]
        counts[kind] = counts.get(kind, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: -item[1]))


def scope_text(scope: Mapping[str, str]) -> str:
    """Write a scope as the API takes it; `all` for the empty one."""
    return ",".join(f"{name}={scope[name]}" for name in DIMENSIONS if name in scope) or "all"


def _unattributed(ask: Ask, dimension: str, window: Mapping[str, str]) -> Decimal:
    answer = ask("/costs", group_by=dimension, **window)
    return add_up(
        Decimal(group["amount"] or 0) for group in answer["groups"] if group["key"][dimension] == UNATTRIBUTED
    )
