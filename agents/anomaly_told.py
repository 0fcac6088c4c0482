"""What detection says of anomalies: events, metrics and a line in the log for each that began or ended."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from agents import metrics
from domain.anomaly.episodes import label, told, told_closed
from domain.windows import to_rfc3339

if TYPE_CHECKING:
    from agents.ports import Outgoing
    from domain.anomaly.episodes import Episode
    from domain.anomaly.keeping import Keeper

logger = logging.getLogger(__name__)


def events(keeper: Keeper, currency: str, now: int) -> list[Outgoing]:
    """Return the events of what began and of what ended, in order; their key is the scope."""
    began = [(one, told(one, currency, now)) for one in _all(keeper, keeper.opened)]
    ended = [(one, told_closed(one, currency, now)) for one in _all(keeper, keeper.closed)]
    return [(label(one.key).encode(), event, None) for one, event in (*began, *ended)]


def log(keeper: Keeper) -> None:
    """Count and log the same."""
    for one in _all(keeper, keeper.opened):
        _log(one, "began")
    for one in _all(keeper, keeper.closed):
        _log(one, "ended")


def _all(keeper: Keeper, identifiers: list[str]) -> list[Episode]:
    return [keeper.changed[each] for each in identifiers]


def _log(episode: Episode, what: str) -> None:
    metrics.ANOMALIES.labels(what, episode.kind).inc()
    about = {
        "anomaly_id": episode.id,
        "scope": label(episode.key),
        "driver": episode.driver,
        "since": to_rfc3339(episode.first),
    }
    logger.info("anomaly %s", what, extra={"about": about})
