"""What a backtest needs from a running system: hours of cost from its API, and what it told from its topics."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import orjson

from domain.anomaly.hours import HourLine
from domain.backtest import anomaly_fired, budget_fired
from domain.scope import DIMENSIONS, ScopeFilter
from domain.windows import HOUR, bounds, parse_instant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from domain.backtest import Fired

    Ask = Callable[[dict[str, str]], Any]

CROSSED: Final = "costguard.budget.threshold-crossed"
DETECTED: Final = "costguard.anomaly.detected"
HOURS_AT_ONCE: Final = 24
_GROUPS: Final = ",".join((*DIMENSIONS, "resource_type"))


class TooManyError(Exception):
    """The API has more lines for a question than it answers at once."""


def history(ask: Ask, start: int, end: int) -> Iterator[tuple[int, list[HourLine]]]:
    """Yield every hour from `start` to `end` (epoch seconds, whole hours) with its metered cost, in order.

    `ask` gets the parameters of `GET /costs`; where it raises `TooManyError` it is asked for less at once.
    """
    at, width = start, HOURS_AT_ONCE
    while at < end:
        until = min(at + width * HOUR, end)
        try:
            answer = ask(_question(at, until))
        except TooManyError:
            if width == 1:
                raise
            width //= 2
            continue
        yield from _hours(answer["groups"], at, until)
        at = until


def _question(start: int, end: int) -> dict[str, str]:
    return {**bounds(start, end), "granularity": "hour", "group_by": _GROUPS, "source": "metered"}


def _hours(groups: Iterable[Any], start: int, end: int) -> Iterator[tuple[int, list[HourLine]]]:
    lines: dict[int, list[HourLine]] = {hour: [] for hour in range(start, end, HOUR)}
    for group in groups:
        key = group["key"]
        hour = int(parse_instant(group["start"]).timestamp())
        line = HourLine(
            tuple(key[name] for name in DIMENSIONS),
            key["resource_type"],
            group["events"],
            Decimal(group["units"]),
            Decimal(group["amount"]),
        )
        lines[hour].append(line)
    yield from lines.items()


def told(events: Iterable[bytes], start: int, end: int) -> Iterator[Fired]:
    """Read what was told, from `budget-threshold-crossed` and `anomaly-detected`, of event times in `[start, end)`."""
    for value in events:
        event = orjson.loads(value)
        at, data = int(parse_instant(event["time"]).timestamp()), event["data"]
        if not start <= at < end:
            continue
        if event["type"] == CROSSED:
            what = data["kind"], data["direction"], data["threshold"]
            flags = tuple(f"{flag['key']}={flag['variant']}" for flag in data["flags"])
            period = int(parse_instant(data["period"]["start"]).timestamp())
            yield budget_fired(at, _scope(data["scope"]), what, period, flags if what[1] == "crossed" else ())
        elif event["type"] == DETECTED:
            above = data["direction"] == "above"
            yield anomaly_fired(at, _scope(data["scope"]), data["kind"], data["driver"], above=above)


def _scope(terms: dict[str, str]) -> str:
    return str(ScopeFilter(tuple(terms.items())))
