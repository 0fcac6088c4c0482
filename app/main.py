"""Running one process of the system: `python -m app worker|effects|api`."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import socket
import sys
import time
from typing import TYPE_CHECKING, Final

import stamina
from aiokafka.errors import KafkaError
from mode import loop as event_loop

from app import topology
from app.adapters import lean_records, metadata_pace
from app.adapters.kafka import Publisher
from app.adapters.redis_view import RedisView
from app.logs import configure_logging
from app.memory import return_what_is_freed
from app.settings import load_configuration
from app.topics import Topics
from app.wiring import Outside

if TYPE_CHECKING:
    from app.settings import Configuration, Settings
    from app.wiring import Partitions

logger = logging.getLogger(__name__)

EXIT_FAILED: Final = 70


def fatal(error: BaseException) -> None:
    """End the process at once: what is not acknowledged comes again, and state is never behind its changelog."""
    logger.critical("stopping: %s: %s", type(error).__name__, error)
    logging.shutdown()
    sys.stderr.flush()
    os._exit(EXIT_FAILED)


@stamina.retry(on=(KafkaError, OSError), timeout=120.0, wait_initial=0.2, wait_max=2.0)
async def prepare(role: str, settings: Settings, configuration: Configuration) -> Partitions:
    """Create what topics are missing, send configured budgets, and return how many partitions the topics have."""
    partitions = await topology.ensure_topics(settings)
    if role == topology.WORKER and configuration.budgets:
        publisher = Publisher(settings.bootstrap)
        try:
            await topology.publish_budgets(configuration, Topics(settings.topic_prefix), publisher, time.time())
        finally:
            await publisher.stop()
    return partitions


def run(role: str, settings: Settings, index: int = 0) -> int:
    """Run a worker or an effects process until SIGTERM; return the exit code."""
    event_loop.use("uvloop")
    import faust  # noqa: PLC0415 - the event loop has to be chosen before anything of Faust is imported

    configure_logging(role, settings.log_level)
    configuration = load_configuration(settings.config_path)
    partitions = asyncio.run(prepare(role, settings, configuration))
    outside = Outside(
        name=f"{role}-{socket.gethostname()}-{index}",
        publisher=Publisher(settings.bootstrap),
        view=RedisView.connect(settings.redis_url, settings.view_prefix),
        clock=time.time,
        fatal=fatal,
    )
    lean_records.install()
    metadata_pace.install()
    return_what_is_freed()
    # Batches are large and live shortly; the collector must not walk them again and again.
    gc.set_threshold(100_000, 20, 50)
    app = topology.create_app(role, settings, configuration, index=index, partitions=partitions, outside=outside)

    class Process(faust.Worker):
        """Ends once its services have stopped; Faust would wait three more seconds for nothing."""

        def _shutdown_loop(self) -> None:
            if self.crash_reason is not None:
                fatal(self.crash_reason)
            logging.shutdown()
            os._exit(0)

    worker = Process(app, loglevel=settings.log_level, quiet=True, logging_config=None, override_logging=False)
    worker.spinner = None  # it writes escape sequences into logs
    worker.execute_from_commandline()
    return 0
