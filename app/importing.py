"""Running the importer: `python -m app importer`, a process of its own, for folders may be slow.

It applies the rules of `[[reattribution]]`, too, whenever the bills that count have changed.
"""

from __future__ import annotations

import asyncio
import signal
import time
from typing import TYPE_CHECKING, Any

from app.adapters.kafka import Publisher
from app.adapters.redis_view import RedisView
from app.billing_import import Options
from app.billing_schedule import Importer
from app.logs import configure_logging
from app.reattributing import Reattribution
from app.topics import Topics
from domain.billing.tags import TagTable
from domain.ownership import Ownership

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable

    from app.settings import Configuration, Settings

ROLE = "importer"
LOOK_SECONDS = 5.0


def run(settings: Settings, configuration: Configuration) -> int:
    """Import until SIGTERM; return the exit code."""
    configure_logging(ROLE, settings.log_level)
    asyncio.run(_run(settings, configuration))
    return 0


async def _run(settings: Settings, configuration: Configuration) -> None:
    publisher = Publisher(settings.bootstrap)
    topic = Topics(settings.topic_prefix).billing_deltas
    importer = Importer(
        configuration.bills.folders,
        copies=settings.data_dir / "bills",
        options=Options(
            configuration.currency, TagTable(configuration.tags), team_of=Ownership(configuration.owners).team_of
        ),
        publisher=publisher,
        topic=topic,
    )
    view = RedisView.connect(settings.redis_url, settings.view_prefix)
    rules = Reattribution(view, configuration.reattribution, configuration.currency, time.time)
    works = [importer.run(configuration.bills.every)] if configuration.bills.folders else []
    works.append(rules.keep(publisher, topic, LOOK_SECONDS))
    working = asyncio.create_task(_together(works))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, working.cancel)
    try:
        await asyncio.wait([working])
    finally:
        await publisher.stop()
        await view.close()
    if not working.cancelled():
        working.result()


async def _together(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    # Not `gather`: what it returns ends with an error, not as cancelled, when it is.
    async with asyncio.TaskGroup() as group:
        for work in works:
            group.create_task(work)
