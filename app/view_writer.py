"""Writing the view behind the workers' backs: coalesced, retried, never in their way.

Rows wait in a dictionary, so a row that changes ten times between two writes is written once, and the backlog is
bounded by the number of rows. Documents that say how far a worker is are written after the rows they speak of.
When Redis was restarted or emptied, or partitions were moved, everything is shown again from the tables.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from mode import Service

from agents import metrics
from app.adapters.redis_view import SHOWING, RedisError
from domain.projections import PROJECTIONS
from tables.tenure import PartitionLostError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from app.adapters.redis_view import RedisView, Shown
    from domain.cost_rows import Projected

logger = logging.getLogger(__name__)

WRITE_EVERY: Final = 0.1
CHECK_REDIS_EVERY: Final = 1.0
_ROWS_AT_ONCE: Final = 20_000
_ORDER: Final = {name: -len(dimensions) for name, dimensions in PROJECTIONS.items()}
_DOCUMENTS_AT_ONCE: Final = 1_000


async def _nothing() -> None:
    """Show nothing: before the worker has tables."""


class ViewWriter(Service):
    """Implements `agents.ports.View` for a worker."""

    def __init__(self, view: RedisView, owner: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._view = view
        self._owner = owner
        self._rows: Shown = {}
        self._documents: dict[tuple[str, str], bytes | None] = {}
        self.show_all: Callable[[], Awaitable[None]] = _nothing

    def costs(self, partition: int, rows: Projected, position: int) -> None:
        """Show these costs of one owner partition, as they are at a position of its table."""
        for place, lines in rows.items():
            waiting = self._rows.setdefault((partition, place), {})
            waiting.update((line, (position, row)) for line, row in lines.items())

    def progress(self, name: str, document: bytes) -> None:
        """Say how far this worker is."""
        self._documents["progress", name] = document

    def document(self, kind: str, name: str, document: bytes | None) -> None:
        """Show a document; None removes it."""
        self._documents[kind, name] = document

    @Service.task
    async def _write_behind(self) -> None:
        while not self.should_stop:
            await self.sleep(WRITE_EVERY)
            await self.flush()

    @Service.task
    async def _watch_redis(self) -> None:
        while not self.should_stop:
            try:
                await self.show_again_if_lost()
            except (RedisError, OSError):
                self.log.debug("Redis is away; its view is looked at again when it is back")
            except PartitionLostError as lost:
                self.log.info("%s was taken away while it was shown", lost)
            await self.sleep(CHECK_REDIS_EVERY)

    async def show_again_if_lost(self) -> None:
        """Show everything from the tables unless all of it is there. Raises `RedisError`, `PartitionLostError`."""
        if await self._view.is_intact(self._owner):
            return
        logger.info("the view is not complete: showing everything from the tables")
        # Of before: what is shown meanwhile may go to a Redis that is restarted before all is.
        run = await self._view.begin_showing(self._owner)
        showing = f"{SHOWING}{self._owner}"
        await self._view.put_documents("progress", {showing: b"{}"})
        await self.show_all()
        await self.flush()
        await self._view.put_documents("progress", {showing: None})
        await self._view.mark_intact(self._owner, run)

    async def room(self) -> None:
        """Wait until few enough rows and documents wait; for who has many to show."""
        while (self._waiting > _ROWS_AT_ONCE or len(self._documents) > _DOCUMENTS_AT_ONCE) and not self.should_stop:
            await self.sleep(WRITE_EVERY)

    @property
    def _waiting(self) -> int:
        """Number of rows that wait."""
        return sum(map(len, self._rows.values()))

    async def on_stop(self) -> None:
        """Write what is left."""
        await self.flush()

    async def flush(self) -> None:
        """Write what waits; what cannot be written waits on, unless something newer took its place."""
        documents, self._documents = self._documents, {}
        rows, self._rows = self._rows, {}
        try:
            await self._write(rows, documents)
        except (RedisError, OSError) as error:
            for where, newer in self._rows.items():
                rows[where] = rows.get(where, {}) | newer
            self._rows = rows
            self._documents = {**documents, **self._documents}
            logger.warning("Redis is not reachable (%s); %d rows wait", type(error).__name__, self._waiting)
            await self.sleep(1.0)
        metrics.VIEW_PENDING.set(self._waiting)

    async def _write(self, rows: Shown, documents: dict[tuple[str, str], bytes | None]) -> None:
        # Parts before sums: whoever sees a total finds it in its parts, too.
        await self._view.put_costs(dict(sorted(rows.items(), key=lambda item: _ORDER[item[0][1].projection])))
        by_kind: dict[str, dict[str, bytes | None]] = {}
        for (kind, name), document in documents.items():
            by_kind.setdefault(kind, {})[name] = document
        # In order of kinds: what is said of a day (`bill:...`) before the edition that says it (`bills`).
        for kind, named in sorted(by_kind.items()):
            await self._view.put_documents(kind, named)
