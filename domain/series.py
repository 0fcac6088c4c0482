"""A history that people bring: CSV with `timestamp,value`, any constant spacing, in the order in which it came.

Times are RFC 3339 or `2026-11-01 00:00:00` (taken as UTC), or epoch seconds; a clock that was set back is no error.
What is wrong is a value that names the line.
"""

from __future__ import annotations

import csv
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from domain.rejection import Rejected

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


_SHOWN: Final = 40
# The years that dates are written for; milliseconds since 1970 are not in them.
_FIRST: Final = -62_135_596_800
_LAST: Final = 253_402_300_799


class Point(NamedTuple):
    """One row: `timestamp` and `text` as they were written, `at` in epoch seconds."""

    timestamp: str
    text: str
    at: float
    value: float


def read_points(lines: Iterable[str]) -> Iterator[Point | Rejected]:
    """Read a history row by row; what is wrong is the last that comes."""
    rows = csv.reader(lines)
    number = 1
    try:
        header = [name.strip().lower().removeprefix("\ufeff") for name in next(rows, [])]
        if "timestamp" not in header or "value" not in header:
            yield Rejected("line 1: expected the columns timestamp,value")
            return
        when, what = header.index("timestamp"), header.index("value")
        for number, row in enumerate(rows, 2):
            if not row:
                continue
            point = _point(row, when, what)
            if isinstance(point, Rejected):
                yield Rejected(f"line {number}: {point.reason}")
                return
            yield point
    except csv.Error as error:
        yield Rejected(f"line {number + 1}: {error}")


def read_series(lines: Iterable[str]) -> list[Point] | Rejected:
    """Read a whole history."""
    points: list[Point] = []
    for point in read_points(lines):
        if isinstance(point, Rejected):
            return point
        points.append(point)
    return points or Rejected("no rows")


def in_order(points: Iterable[Point]) -> list[Point]:
    """Return points by time; of several at one instant the last one that came."""
    return sorted({point.at: point for point in points}.values(), key=lambda point: point.at)


def _point(row: list[str], when: int, what: int) -> Point | Rejected:
    if len(row) <= max(when, what):
        return Rejected("too few columns")
    timestamp, text = row[when].strip(), row[what].strip()
    at = _instant(timestamp)
    if at is None:
        return Rejected(f"{_shown(timestamp)!r} is not a time such as 2026-11-01T00:00:00Z")
    value = _number(text)
    if value is None:
        return Rejected(f"{_shown(text)!r} is not a finite number")
    return Point(timestamp, text, at, value)


def _shown(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _instant(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        seconds = _number(text)
        return seconds if seconds is not None and _FIRST <= seconds <= _LAST else None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
