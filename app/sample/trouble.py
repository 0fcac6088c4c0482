"""What goes wrong on the way: how an event is broken, delayed, repeated or stripped of a label."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import orjson

from domain.usage import LLM_TOKENS

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

HOUR: Final = 3600.0
DAY: Final = 24 * HOUR


class Trouble(StrEnum):
    """What was done to an emission on purpose."""

    NONE = "none"
    LATE = "late"
    DUPLICATE = "duplicate"
    UNLABELLED = "unlabelled"
    MALFORMED = "malformed"


SHARES: Final = ((Trouble.UNLABELLED, 0.010), (Trouble.LATE, 0.015), (Trouble.MALFORMED, 0.002))
DUPLICATE_SHARE: Final = 0.010
LABELS: Final = ("feature", "team", "environment", "tenant", "service")


def draw(random: Random) -> Trouble:
    """Pick what happens to one event; most often nothing."""
    luck = random.random()
    for trouble, share in SHARES:
        if luck < share:
            return trouble
        luck -= share
    return Trouble.NONE


def unlabel(event: dict[str, Any], random: Random) -> None:
    """Take one label away, as a service does whose telemetry was never finished."""
    del event["data"][random.choice(LABELS)]


def lateness(random: Random) -> float:
    """Seconds between the event and its arrival: an hour to four days, short delays more likely."""
    return HOUR * math.pow(4 * 24, random.random())


def repeat_delay(random: Random) -> float:
    """Seconds until a producer that saw no answer tries again."""
    return 2.0 * math.pow(300, random.random())


def punctual_delay(random: Random) -> float:
    """Seconds on the way when all is well."""
    return 0.2 + 2.0 * random.random()


def corrupt(event: dict[str, Any], random: Random) -> bytes:
    """Break a valid event in one of the ways seen in the field."""
    return random.choice(_BREAKAGES)(event)


def _truncated(event: dict[str, Any]) -> bytes:
    encoded = orjson.dumps(event)
    return encoded[: len(encoded) * 2 // 3]


def _log_line(event: dict[str, Any]) -> bytes:
    return f"{event['time']} ERROR usage-exporter: connection reset by peer".encode()


def _without_source(event: dict[str, Any]) -> bytes:
    return orjson.dumps({name: value for name, value in event.items() if name != "source"})


def _local_time(event: dict[str, Any]) -> bytes:
    return orjson.dumps({**event, "time": event["time"].replace("T", " ").removesuffix("Z")})


def _not_a_number(event: dict[str, Any]) -> bytes:
    return orjson.dumps({**event, "data": {**event["data"], "usage": None, "units": "NaN"}})


def _negative_tokens(event: dict[str, Any]) -> bytes:
    data = {
        **event["data"],
        "resource_type": LLM_TOKENS,
        "attributes": {"provider": "openai", "model": "gpt-4o"},
        "usage": {"input_tokens": -1},
    }
    return orjson.dumps({**event, "data": data})


def _unknown_driver(event: dict[str, Any]) -> bytes:
    return orjson.dumps({**event, "data": {**event["data"], "resource_type": "gpu.hours"}})


_BREAKAGES: Final[tuple[Callable[[dict[str, Any]], bytes], ...]] = (
    _truncated,
    _log_line,
    _without_source,
    _local_time,
    _not_a_number,
    _negative_tokens,
    _unknown_driver,
)
