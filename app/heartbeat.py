"""What a worker or effects process tells about itself: ready or not, its partitions, how far behind it is."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

import orjson
from mode import Service
from prometheus_client import generate_latest

if TYPE_CHECKING:
    import faust

    from app.adapters.redis_view import RedisView
    from tables.ledger import LedgerTable

EVERY: Final = 1.0


class Heartbeat(Service):
    """Writes the document `workers/{identifier}` every second, past the write-behind: silence means death."""

    def __init__(
        self,
        app: faust.App,
        *,
        view: RedisView,
        role: str,
        identifier: str,
        tables: dict[str, LedgerTable],
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._app = app
        self._view = view
        self._role = role
        self._identifier = identifier
        self._tables = tables

    @Service.task
    async def _beat(self) -> None:
        while not self.should_stop:
            try:
                await self._view.put_documents("workers", {self._identifier: orjson.dumps(self.document())})
                await self._view.put_documents("metrics", {self._identifier: generate_latest()})
            except Exception as error:  # noqa: BLE001 - a heartbeat that cannot be written must not stop the work
                self.log.warning("cannot write the heartbeat: %s", type(error).__name__)
            await self.sleep(EVERY)

    def document(self) -> dict[str, Any]:
        """Return the document: partitions whose tables are recovered, and records not yet committed by topic."""
        partitions = {topic: sorted(table.owned()) for topic, table in self._tables.items()}
        return {
            "role": self._role,
            "ready": not self._app.rebalancing and not self._app.in_recovery,
            "partitions": partitions,
            "lag": self._lag(),
            "at": int(time.time()),
        }

    def _lag(self) -> dict[str, int]:
        """Count by the high watermarks that fetches brought; listed end offsets are not to be trusted everywhere."""
        consumer: Any = self._app.consumer
        lag: defaultdict[str, int] = defaultdict(int)
        for tp in consumer.assignment():
            if not self._app.topics.acks_enabled_for(tp.topic):
                continue
            end = consumer.highwater(tp)
            done = consumer._committed_offset.get(tp)  # noqa: SLF001 - Faust's monitor lags a commit behind
            if end is not None:
                lag[tp.topic] += max(0, end - (done or 0))
        return dict(lag)
