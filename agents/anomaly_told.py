"""What detection says of anomalies: events, documents in the view, metrics, and a line in the log."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import msgspec
import orjson

from agents import metrics
from domain.anomaly.episodes import document, label, series, told, told_closed
from domain.windows import to_rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agents.ports import Clock, Publisher, View
    from domain.anomaly.episodes import Episode
    from domain.anomaly.keeping import Keeper

logger = logging.getLogger(__name__)

KIND: Final = "anomalies"


class AnomalyTopics(msgspec.Struct, frozen=True):
    """Topic names that detection writes."""

    detected: str
    dead_letter: str


class Telling:
    """The anomalies that are kept, `episodes` by id, and everybody who hears of them."""

    def __init__(self, publisher: Publisher, topic: str, view: View, currency: str, clock: Clock) -> None:
        self._publisher = publisher
        self._topic = topic
        self._view = view
        self._currency = currency
        self._clock = clock
        self.episodes: dict[str, Episode] = {}

    async def send(self, keeper: Keeper) -> None:
        """Send the events of what began and of what ended, in order; their key is the scope."""
        now = int(self._clock())
        began = [(one, told(one, self._currency, now)) for one in _all(keeper, keeper.opened)]
        ended = [(one, told_closed(one, self._currency, now)) for one in _all(keeper, keeper.closed)]
        records = [(label(one.key).encode(), event, None) for one, event in (*began, *ended)]
        await self._publisher.send_many(self._topic, records)

    def keep(self, keeper: Keeper) -> None:
        """Keep, show and log what was sent and is written."""
        self.episodes |= keeper.changed
        self.show(keeper.changed.values())
        for one in _all(keeper, keeper.opened):
            _log(one, "began")
        for one in _all(keeper, keeper.closed):
            _log(one, "ended")

    def show(self, episodes: Iterable[Episode]) -> None:
        """Show anomalies as they are."""
        for episode in episodes:
            shown = document(episode, self._currency) | {"series": series(episode)}
            self._view.document(KIND, episode.id, orjson.dumps(shown))

    def forget(self, identifier: str) -> None:
        """Show and keep one no more."""
        del self.episodes[identifier]
        self._view.document(KIND, identifier, None)


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
