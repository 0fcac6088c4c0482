"""Knowing that what was sent is in the tables: the workers' progress against the offsets that were written.

Meter tells, per source partition, the last offset it folded and where its totals went (`meter:{p}`); rollup
tells how far each totals partition is visible to readers (`rollup:{q}`).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NamedTuple

import orjson

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

POLL_SECONDS: Final = 0.1
# A killed worker is noticed after its session timeout and its state restored: that is not a stall yet.
PATIENCE_SECONDS: Final = 120.0


class NotFoldedError(Exception):
    """The workers made no progress for too long; the text says how far they came."""


class Progress(NamedTuple):
    """How far the tables are: records still to fold, and whether readers can see the rest."""

    behind: int
    visible: bool

    @property
    def done(self) -> bool:
        """Tell whether everything sent can be read."""
        return self.behind == 0 and self.visible


def measure(documents: Mapping[str, bytes], last_offsets: Mapping[int, int]) -> Progress:
    """Compare the workers' progress documents with the last offset sent to each partition."""
    behind, needed = 0, dict[str, int]()
    for partition, last in last_offsets.items():
        meter = orjson.loads(documents.get(f"meter:{partition}", b"{}"))
        behind += max(0, last - int(meter.get("offset", -1)))
        for totals_partition, offset in meter.get("totals", {}).items():
            needed[totals_partition] = max(int(offset), needed.get(totals_partition, -1))
    visible = all(_rolled_up(documents, partition) >= offset for partition, offset in needed.items())
    return Progress(behind, visible)


async def wait_until_folded(
    read: Callable[[], Awaitable[Mapping[str, bytes]]],
    last_offsets: Mapping[int, int],
    *,
    on_progress: Callable[[Progress], None] = lambda _progress: None,
    patience: float = PATIENCE_SECONDS,
) -> None:
    """Return once all records up to `last_offsets` are folded and visible.

    There is no bound on the whole, only on standing still: `NotFoldedError` when nothing in the documents
    changed for `patience` seconds.
    """
    loop = asyncio.get_running_loop()
    seen, moved = dict[str, bytes](), loop.time()
    while True:
        documents = dict(await read())
        progress = measure(documents, last_offsets)
        on_progress(progress)
        if progress.done:
            return
        if documents != seen:
            seen, moved = documents, loop.time()
        elif loop.time() - moved > patience:
            raise NotFoldedError(
                f"the workers have not advanced for {patience:.0f} s: {_standing(progress)}; "
                "see GET /readyz for workers and lag"
            )
        await asyncio.sleep(POLL_SECONDS)


def _rolled_up(documents: Mapping[str, bytes], partition: str) -> int:
    return int(orjson.loads(documents.get(f"rollup:{partition}", b"{}")).get("offset", -1))


def _standing(progress: Progress) -> str:
    if progress.behind:
        return f"{progress.behind:,} of the records sent are not folded"
    return "all records are metered, but rollup has not made them visible"
