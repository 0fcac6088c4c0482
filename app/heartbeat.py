"""What a worker or effects process tells about itself: ready or not, its partitions, how far behind it is."""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

import orjson
from mode import Service
from prometheus_client import generate_latest
from redis.exceptions import RedisError

from agents import metrics

if TYPE_CHECKING:
    import faust

    from app.adapters.redis_view import RedisView
    from tables.ledger import LedgerTable

# Not this module's name: what Faust's services say of themselves under it is nobody's concern.
logger = logging.getLogger("costguard")

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
        self._told: tuple[int, ...] = ()

    @Service.task
    async def _beat(self) -> None:
        while not self.should_stop:
            document = self.document()
            self._measure(document["lag"])
            try:
                await self._view.put_documents("workers", {self._identifier: orjson.dumps(document)})
                await self._view.put_documents("metrics", {self._identifier: generate_latest()})
            except Exception as error:  # noqa: BLE001 - a heartbeat that cannot be written must not stop the work
                self.log.warning("cannot write the heartbeat: %s", type(error).__name__)
            await self.sleep(EVERY)

    async def on_shutdown(self) -> None:
        """Withdraw the document of a process that ends politely: whoever looks must not wait until it is silent.

        By now the last beat is over, which would write it again.
        """
        try:
            await self._view.put_documents("workers", {self._identifier: None})
        except (RedisError, OSError) as error:
            self.log.warning("cannot withdraw the heartbeat: %s", type(error).__name__)

    def _measure(self, lag: dict[str, int]) -> None:
        """Export lag and recovery; say once per assignment what it took."""
        tables = self._tables.values()
        for topic, records in lag.items():
            metrics.LAG.labels(topic).set(records)
        for table in tables:
            metrics.RECOVERED_RECORDS.labels(table.name).set(table.recovery.records)
            metrics.OWNED_PARTITIONS.labels(table.name).set(len(table.owned()))
        slowest = max(table.recovery.seconds for table in tables)
        metrics.RECOVERY_SECONDS.set(slowest)
        epochs = tuple(table.epoch for table in tables)
        if all(table.owned() for table in tables) and epochs != self._told:
            self._told = epochs
            owned = {table.name: sorted(table.owned()) for table in tables}
            records = sum(table.recovery.records for table in tables)
            logger.info("recovered %d records in %.1f s", records, slowest, extra={"about": {"partitions": owned}})

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
