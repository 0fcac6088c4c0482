"""Timestamps after the last one, written as the others were."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from domain.windows import DAY

if TYPE_CHECKING:
    from collections.abc import Iterator

MONTH: Final = (27 * DAY, 32 * DAY)
EVERY_MONTH: Final = 28  # days that every month has
_MONTHS: Final = 12


def following(last: str, at: float, step: float, count: int) -> Iterator[str]:
    """Yield `count` timestamps after `last` (at `at`, epoch seconds), `step` seconds or a month apart."""
    moment = datetime.fromtimestamp(at, UTC)
    for number in range(1, count + 1):
        if MONTH[0] <= step < MONTH[1]:
            months = moment.year * _MONTHS + moment.month - 1 + number
            day = min(moment.day, EVERY_MONTH)
            yield _written(last, moment.replace(year=months // _MONTHS, month=months % _MONTHS + 1, day=day))
        else:
            yield _written(last, datetime.fromtimestamp(at + number * step, UTC))


def _written(like: str, moment: datetime) -> str:
    if like.replace(".", "", 1).removeprefix("-").isdigit():
        return f"{moment.timestamp():.{len(like.partition('.')[2])}f}"
    if len(like) == len("2026-11-01"):
        return moment.strftime("%Y-%m-%d")
    precision = "milliseconds" if "." in like else "seconds"
    text = moment.replace(tzinfo=None).isoformat(" " if " " in like else "T", precision)
    return text if " " in like else f"{text}Z"
