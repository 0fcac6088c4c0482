"""Which groupings of cost are kept ready: a query is answered from the narrowest one that has its dimensions."""

from __future__ import annotations

from typing import Final

from domain.scope import DIMENSIONS

# Order is part of the tables' keys: append, never reorder.
PROJECTIONS: Final[dict[str, tuple[str, ...]]] = {
    "all": (),
    "tenant": ("tenant",),
    "feature": ("feature",),
    "service": ("service",),
    "team": ("team",),
    "environment": ("environment",),
    "tenant+feature": ("tenant", "feature"),
    "full": DIMENSIONS,
}
