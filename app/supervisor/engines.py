"""Broker and Redis: started here when they are embedded, waited for when they are not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from aiokafka.errors import KafkaError

from app.adapters import embedded_broker, embedded_redis
from app.adapters.loopback import NotAvailableError, free_port
from app.adapters.redis_view import RedisView
from app.supervisor import plan, probes
from app.supervisor.child import Child
from app.typed_toml import SettingsError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from app.adapters.loopback import Program
    from app.settings import Settings

BROKER: Final = "COSTGUARD_BROKER_URL"
REDIS: Final = "COSTGUARD_REDIS_URL"
START_SECONDS: Final = 30.0
OUTSIDE_SECONDS: Final = 20.0
STOP_SECONDS: Final = 5.0


class SystemFailedError(Exception):
    """The system cannot go on; one line for the operator."""


class Engines:
    """The servers below a system."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.children: list[Child] = []

    async def start_broker(self) -> Child | None:
        """Start the embedded broker, or wait for the other one; return once it answers."""
        bootstrap = self._settings.bootstrap
        if self._settings.starts_broker:
            program = _available(BROKER, embedded_broker.program, self._settings.embedded_broker_port)
            return await self._start("broker", program, lambda: embedded_broker.answers(bootstrap))
        if not await probes.until(lambda: embedded_broker.answers(bootstrap), OUTSIDE_SECONDS):
            raise SettingsError(BROKER, f"no Kafka broker answers at {bootstrap}")
        return None

    async def start_redis(self) -> tuple[str, Child | None]:
        """Start the embedded Redis, or wait for the other one; return its URL once it answers."""
        if self._settings.starts_redis:
            port = free_port()
            program = _available(REDIS, embedded_redis.program, port)
            child = await self._start("redis", program, lambda: embedded_redis.answers(port))
            return embedded_redis.url(port), child
        url = self._settings.redis_url
        if not await probes.until(lambda: _redis_answers(url), OUTSIDE_SECONDS):
            raise SettingsError(REDIS, f"no Redis answers at {urlsplit(url).netloc.rpartition('@')[2]}")
        return url, None

    async def make_topics(self, settings: Settings) -> None:
        """Create the topics that are missing."""
        # Faust and all agents come with it: not before the ports are known to be free.
        from app.topology import TopologyError, ensure_topics  # noqa: PLC0415

        try:
            await ensure_topics(settings)
        except (KafkaError, OSError, TopologyError) as error:
            raise SystemFailedError(f"cannot create topics at {settings.bootstrap}: {error}") from error

    async def stop(self) -> None:
        """Stop what was started, last first."""
        for child in reversed(self.children):
            await child.stop(STOP_SECONDS)

    async def _start(self, name: str, program: Program, answers: Callable[[], Awaitable[bool]]) -> Child:
        child = Child(plan.engine(self._settings, name, program))
        self.children.append(child)
        await child.start()

        async def answers_or_ended() -> bool:
            return child.pid is None or await answers()

        if not await probes.until(answers_or_ended, START_SECONDS) or child.pid is None:
            raise SystemFailedError(f"the embedded {name} did not start; its log ends: {child.last_words()}")
        return child


def _available(key: str, program: Callable[[int], Program], port: int) -> Program:
    try:
        return program(port)
    except NotAvailableError as error:
        raise SettingsError(key, f"embedded cannot be had on this machine: {error}") from error


async def _redis_answers(url: str) -> bool:
    view = RedisView.connect(url, "")
    try:
        return await view.ping()
    finally:
        await view.close()
