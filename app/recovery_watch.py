"""Ends a process whose recovery does not move on: the next one starts from what is written.

Faust waits for the last record of a changelog without end, whatever becomes of its fetches. Seen once in some hundred
takeovers: a member of the group, alive, that never owned its partitions.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from mode import Service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tables.ledger import LedgerTable

# Longer than brokers usually take to restart, and than a large batch takes to be applied.
STALL_SECONDS: Final = 60.0
LOOK_EVERY: Final = 5.0


class StalledRecoveryError(Exception):
    """Nothing was recovered for too long."""


class RecoveryWatch(Service):
    """Looks at the tables of a process; `fatal` ends it."""

    def __init__(
        self,
        tables: Iterable[LedgerTable],
        fatal: Callable[[BaseException], None],
        clock: Callable[[], float] = time.monotonic,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._tables = tuple(tables)
        self._fatal = fatal
        self._clock = clock

    @Service.task
    async def _watch(self) -> None:
        while not self.should_stop:
            await self.sleep(LOOK_EVERY)
            self.look()

    def look(self) -> None:
        """End the process when every table that is still to be recovered has stalled."""
        now = self._clock()
        waiting = {table: seconds for table in self._tables if (seconds := table.stalled(now))}
        seconds = min(waiting.values(), default=0.0)
        if seconds > STALL_SECONDS:
            left = ", ".join(f"{table.name} {table.remaining()}" for table in waiting)
            self._fatal(StalledRecoveryError(f"nothing was recovered for {seconds:.0f} s; records left: {left}"))
