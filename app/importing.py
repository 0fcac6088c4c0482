"""Running the importer: `python -m app importer`, a process of its own, for folders may be slow."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

from app.adapters.kafka import Publisher
from app.billing_import import Options
from app.billing_schedule import Importer
from app.logs import configure_logging
from app.topics import Topics
from domain.billing.tags import TagTable

if TYPE_CHECKING:
    from app.settings import Configuration, Settings

ROLE = "importer"


def run(settings: Settings, configuration: Configuration) -> int:
    """Import until SIGTERM; return the exit code."""
    configure_logging(ROLE, settings.log_level)
    asyncio.run(_run(settings, configuration))
    return 0


async def _run(settings: Settings, configuration: Configuration) -> None:
    publisher = Publisher(settings.bootstrap)
    importer = Importer(
        configuration.bills.folders,
        copies=settings.data_dir / "bills",
        options=Options(configuration.currency, TagTable(configuration.tags)),
        publisher=publisher,
        topic=Topics(settings.topic_prefix).billing_deltas,
    )
    working = asyncio.ensure_future(importer.run(configuration.bills.every))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, working.cancel)
    try:
        await asyncio.wait([working])
    finally:
        await publisher.stop()
    if not working.cancelled():
        working.result()
