"""An anomaly as workers show it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from domain.anomaly.episodes import Episode, Figures, document, series

EPISODE = Episode(
    id="a-1",
    kind="spike",
    projection="tenant+feature",
    values=("acme", "search"),
    driver="compute",
    above=True,
    first=1_788_134_400,
    last=1_788_138_000,
    figures=Figures(
        1_788_134_400,
        Decimal("40.00"),
        Decimal("10.00"),
        Decimal("0.50"),
        60.0,
        (Decimal(1), Decimal(28), Decimal(1), Decimal(0), Decimal(0), Decimal(0)),
        (("service", "<ranker>", Decimal("29.5")),),
    ),
    so_far=Decimal("30.00"),
    series=((1_788_130_800, 10.0, 10.0, 0.5), (1_788_134_400, 40.0, 10.0, 0.5)),
)


def shown(episode: Episode = EPISODE) -> dict[str, Any]:
    return document(episode, "USD") | {"series": series(episode)}
