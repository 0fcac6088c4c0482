"""What a contender measures of itself; nothing but the standard library, for it runs in every peer's environment.

The clock starts when the first records arrive, so that neither start-up nor joining a consumer group is in the figure.
Where a framework does not tell, it starts when the first have been handled, and counts the others. CPU time is that of
the whole process, threads of native clients included.
"""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Watch:
    """Measures until `count` events are handled."""

    def __init__(
        self,
        count: int,
        clock: Callable[[], float] = time.perf_counter,
        cpu_clock: Callable[[], float] = time.process_time,
    ) -> None:
        self._count = count
        self._clock = clock
        self._cpu_clock = cpu_clock
        self._handled = self._uncounted = 0
        self._began: tuple[float, float] | None = None

    def start(self) -> None:
        """Start the clock, unless it runs: records have arrived."""
        if self._began is None:
            self._began = self._clock(), self._cpu_clock()

    def add(self, events: int) -> bool:
        """Count events that have been handled; True when all are."""
        self._handled += events
        if self._began is None:
            self._uncounted = self._handled
            self.start()
        return self._handled >= self._count

    def figures(self) -> dict[str, float]:
        """Return events per second and CPU seconds per million events."""
        began, cpu_began = self._began or (0.0, 0.0)
        wall, cpu = self._clock() - began, self._cpu_clock() - cpu_began
        counted = self._handled - self._uncounted
        return {"events_per_second": counted / wall, "cpu_s_per_million": cpu / counted * 1e6}


def finish(figures: dict[str, Any]) -> None:
    """Print figures as the last line of output, and end at once: how a framework stops is not measured."""
    # Not by sys.stdout: Faust turns it into log records.
    os.write(1, b"\n" + json.dumps(figures).encode() + b"\n")
    os._exit(0)
