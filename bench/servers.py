"""Broker and Redis of a benchmark, on free ports of loopback: the embedded ones, or Apache Kafka for the broker."""

from __future__ import annotations

import asyncio
import subprocess
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, NamedTuple

from app.adapters import embedded_broker, embedded_redis
from app.adapters.loopback import LOOPBACK, free_port
from tests.live.servers import kafka

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from app.adapters.loopback import Program

START_SECONDS: Final = 30.0
EMBEDDED: Final = "embedded"
KAFKA: Final = "kafka"
BROKERS: Final = (EMBEDDED, KAFKA)


class Servers(NamedTuple):
    """Where the servers listen, and which broker it is."""

    bootstrap: str
    redis: str
    broker: str

    @property
    def environment(self) -> dict[str, str]:
        """What one of our processes is told."""
        return {
            "COSTGUARD_BROKER_URL": f"kafka://{self.bootstrap}",
            "COSTGUARD_BROKER_IS_EMBEDDED": str(self.broker == EMBEDDED).lower(),
            "COSTGUARD_REDIS_URL": self.redis,
        }


@contextmanager
def servers(broker: str) -> Iterator[Servers]:
    """Run both servers; they end with the context."""
    with ExitStack() as running:
        bootstrap = _embedded_broker(running) if broker == EMBEDDED else _kafka(running)
        port = free_port()
        _start(running, embedded_redis.program(port))
        _await(lambda: embedded_redis.answers(port))
        yield Servers(bootstrap, embedded_redis.url(port), broker)


def _embedded_broker(running: ExitStack) -> str:
    port = free_port()
    bootstrap = f"{LOOPBACK}:{port}"
    _start(running, embedded_broker.program(port))
    _await(lambda: embedded_broker.answers(bootstrap))
    return bootstrap


def _kafka(running: ExitStack) -> str:
    server = kafka.prepare(Path(running.enter_context(TemporaryDirectory())))
    running.callback(server.stop)
    server.start()
    return f"{LOOPBACK}:{server.port}"


def _start(running: ExitStack, program: Program) -> None:
    process = subprocess.Popen(
        program.arguments,
        executable=program.executable,
        env=dict(program.environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    running.callback(process.wait)
    running.callback(process.terminate)


def _await(answers: Callable[[], Awaitable[bool]]) -> None:
    async def ask() -> bool:
        return await answers()

    end = time.monotonic() + START_SECONDS
    while not asyncio.run(ask()):
        if time.monotonic() > end:
            raise TimeoutError("a server of the benchmark does not answer")
        time.sleep(0.1)
