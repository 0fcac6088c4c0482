"""The `api` process: HTTP on the configured address until SIGTERM, whether or not broker and Redis are up yet."""

import asyncio
import signal
import time
from collections.abc import Mapping
from functools import partial
from types import FrameType
from typing import Final

import uvicorn

from app.adapters.kafka import Publisher, partition_counts
from app.adapters.redis_view import RedisView
from app.api.create import create_api
from app.api.http_protocol import BoundedProtocol
from app.api.ports import Clock, PartitionCounts
from app.api.sending import BrokerAwayError
from app.logs import configure_logging
from app.settings import Configuration, Settings, check_exposure
from app.topics import Topics
from domain.codec import decode

GRACE_SECONDS: Final = 5
# Readiness is asked often; the number of partitions changes almost never.
PARTITIONS_FRESH_SECONDS: Final = 1.0


class Partitions:
    """Asks the broker at most once a second, and only once at a time; that it did not answer is kept as long.

    Raises whatever `ask` raises, and `BrokerAwayError` for a while after.
    """

    def __init__(self, ask: PartitionCounts, clock: Clock = time.monotonic) -> None:
        self._ask = ask
        self._clock = clock
        self._lock = asyncio.Lock()
        self._known: Mapping[str, int] | None = None
        self._at = float("-inf")

    async def __call__(self) -> Mapping[str, int]:
        """Return the number of partitions of each topic."""
        async with self._lock:
            if self._clock() - self._at > PARTITIONS_FRESH_SECONDS:
                self._known = None
                try:
                    self._known = await self._ask()
                finally:
                    self._at = self._clock()
            if self._known is None:
                raise BrokerAwayError("no answer a moment ago")
            return self._known


def run(settings: Settings, configuration: Configuration) -> None:
    """Serve until SIGTERM or SIGINT; raise `SettingsError` when the address is open to everybody without tokens."""
    check_exposure(settings, configuration)
    configure_logging("api", settings.log_level)
    # Uvicorn handles both, and raises them again when it is done: that must not end us before we have cleaned up.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _ignore)
    with asyncio.Runner(loop_factory=_event_loop) as runner:
        runner.run(_serve(settings, configuration))


async def _serve(settings: Settings, configuration: Configuration) -> None:
    topics = Topics(settings.topic_prefix)
    publisher = Publisher(settings.bootstrap)
    view = RedisView.connect(settings.redis_url, settings.view_prefix)
    api = create_api(
        configuration,
        view=view,
        publisher=publisher,
        topics=topics,
        clock=time.time,
        validate_usage=decode,
        partition_counts=Partitions(partial(partition_counts, settings.bootstrap, list(topics.all()))),
    )
    server = uvicorn.Server(
        uvicorn.Config(
            api,
            host=settings.api_host,
            port=settings.api_port,
            http=BoundedProtocol,
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )
    try:
        await server.serve()
    finally:
        await publisher.stop()
        await view.close()


def _event_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop  # noqa: PLC0415 - there is none on Windows
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Let uvicorn's own handler be the one that matters."""
