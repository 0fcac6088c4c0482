"""A history that people bring: CSV with `timestamp,value`, any constant spacing, in the order in which it came.

Times are RFC 3339 or `2026-11-01 00:00:00` (taken as UTC), or epoch seconds; a clock that was set back is no error.
What is wrong is a value that names the line.
"""

from __future__ import annotations

import csv
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from domain.rejection import Rejected

if TYPE_CHECKING:
    from collections.abc import Iterable


class Point(NamedTuple):
    """One row: `timestamp` and `text` as they were written, `at` in epoch seconds."""

    timestamp: str
    text: str
    at: float
    value: float


def read_series(lines: Iterable[str]) -> list[Point] | Rejected:
    """Read a history."""
    rows = csv.reader(lines)
    header = [name.strip().lower().removeprefix("\ufeff") for name in next(rows, [])]
    if "timestamp" not in header or "value" not in header:
        return Rejected("line 1: expected the columns timestamp,value")
    when, what = header.index("timestamp"), header.index("value")
    points: list[Point] = []
    for number, row in enumerate(rows, 2):
        if not row:
            continue
        point = _point(row, when, what)
        if isinstance(point, Rejected):
            return Rejected(f"line {number}: {point.reason}")
        points.append(point)
    return points or Rejected("no rows")


def _point(row: list[str], when: int, what: int) -> Point | Rejected:
    if len(row) <= max(when, what):
        return Rejected("too few columns")
    timestamp, text = row[when].strip(), row[what].strip()
    at = _instant(timestamp)
    if at is None:
        return Rejected(f"{timestamp!r} is not a time such as 2026-11-01T00:00:00Z")
    value = _number(text)
    if value is None:
        return Rejected(f"{text!r} is not a finite number")
    return Point(timestamp, text, at, value)


def _instant(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return _number(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
