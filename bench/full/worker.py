"""A real worker, watched: `python -m bench.full.worker COUNT`, settings from the environment as ever.

Events count when their batch is handled: decoded, validated, deduplicated, attributed, priced, folded, written to the
changelog and RocksDB, published and acknowledged. The rollup runs beside it, in the same process, as in production.
Stages are what the worker exports of itself: CPU time without what they wait for, and elapsed time with it.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from agents.metering import Metering
from agents.metrics import STAGE_CPU, STAGE_SECONDS
from app.main import run
from app.settings import from_environment
from bench.watch import Watch, finish

if TYPE_CHECKING:
    from prometheus_client import Counter

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
            figures = watch.figures()
            cpu = stages(STAGE_CPU, count)
            # The Kafka client, the changelog, RocksDB, Redis, Faust: what is nobody's stage.
            cpu["other"] = figures["cpu_s_per_million"] - sum(cpu.values())
            finish({**figures, "stage_cpu_s_per_million": cpu, "stage_s_per_million": stages(STAGE_SECONDS, count)})

    Metering.handle = watched  # type: ignore[method-assign,assignment]
    run("worker", from_environment())


def stages(counter: Counter, events: int) -> dict[str, float]:
    """Return the seconds of each stage per million events, as a metric of the worker has them."""
    (family,) = counter.collect()
    totals = [sample for sample in family.samples if sample.name.endswith("_total")]
    return {sample.labels["stage"]: sample.value / events * 1e6 for sample in totals}


if __name__ == "__main__":
    main()
