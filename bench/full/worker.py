"""A real worker, watched: `python -m bench.full.worker COUNT`, settings from the environment as ever.

Events count when their batch is handled: decoded, validated, deduplicated, attributed, priced, folded, written to the
changelog and RocksDB, published and acknowledged. The rollup runs beside it, in the same process, as in production.
Stages are what the worker exports of itself: elapsed time, so what waits for the broker is in them.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from agents.metering import Metering
from agents.metrics import STAGE_SECONDS
from app.main import run
from app.settings import from_environment
from bench.watch import Watch, finish

if TYPE_CHECKING:
    from agents.batch import Batch


def main() -> None:
    """Run until all events are folded, print the figures, end."""
    count = int(sys.argv[1])
    watch = Watch(count)
    handle = Metering.handle

    async def watched(metering: Metering, batch: Batch) -> None:
        watch.start()
        await handle(metering, batch)
        if watch.add(len(batch.records)):
            finish({**watch.figures(), "stage_s_per_million": stages(count)})

    Metering.handle = watched  # type: ignore[method-assign,assignment]
    run("worker", from_environment())


def stages(events: int) -> dict[str, float]:
    """Return the seconds of each stage per million events, as the worker's own metric has them."""
    (family,) = STAGE_SECONDS.collect()
    totals = [sample for sample in family.samples if sample.name.endswith("_total")]
    return {sample.labels["stage"]: sample.value / events * 1e6 for sample in totals}


if __name__ == "__main__":
    main()
