"""What every benchmark is told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """`quick`: less of everything, in one round, for a look; `broker`: `embedded` or `kafka`."""

    quick: bool
    broker: str
