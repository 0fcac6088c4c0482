"""Percentiles by nearest rank: a time that was measured, never one in between."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

SHOWN: Final = (50, 95, 99)


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the smallest value that `percent` of all do not exceed."""
    return sorted(values)[max(0, ceil(len(values) * percent / 100) - 1)]


def milliseconds(seconds: Sequence[float]) -> dict[str, int | None]:
    """Return p50, p95 and p99 in milliseconds; None without a value."""
    return {f"p{percent}_ms": round(percentile(seconds, percent) * 1000) if seconds else None for percent in SHOWN}
