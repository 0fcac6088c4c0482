"""A real worker, watched: `python -m bench.worker COUNT`, settings from the environment as ever.

Events count when their batch is handled: decoded, validated, deduplicated, attributed, priced, folded, written to the
changelog and RocksDB, published and acknowledged. The rollup runs beside it, in the same process, as in production.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from agents.metering import Metering
from app.main import run
from app.settings import from_environment
from bench.peers import Watch, finish

if TYPE_CHECKING:
    from agents.batch import Batch


def main() -> None:
    """Run until all events are folded, print the figures, end."""
    watch = Watch(int(sys.argv[1]))
    handle = Metering.handle

    async def watched(metering: Metering, batch: Batch) -> None:
        watch.start()
        await handle(metering, batch)
        if watch.add(len(batch.records)):
            finish(watch)

    Metering.handle = watched  # type: ignore[method-assign,assignment]
    run("worker", from_environment())


if __name__ == "__main__":
    main()
