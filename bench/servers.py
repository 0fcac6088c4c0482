"""The embedded broker and Redis for a benchmark: on free ports, stopped by their process ids."""

from __future__ import annotations

import asyncio
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from app.adapters import embedded_broker, embedded_redis
from app.adapters.loopback import LOOPBACK, free_port

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from app.adapters.loopback import Program

START_SECONDS = 30.0


class Servers(NamedTuple):
    """Where the servers listen."""

    bootstrap: str
    redis: str


@contextmanager
def servers() -> Iterator[Servers]:
    """Run both servers; they end with the context."""
    broker_port, redis_port = free_port(), free_port()
    bootstrap = f"{LOOPBACK}:{broker_port}"
    running: list[subprocess.Popen[bytes]] = []
    try:
        running.append(_start(embedded_broker.program(broker_port)))
        running.append(_start(embedded_redis.program(redis_port)))
        _await(lambda: embedded_broker.answers(bootstrap))
        _await(lambda: embedded_redis.answers(redis_port))
        yield Servers(bootstrap, embedded_redis.url(redis_port))
    finally:
        for process in reversed(running):
            process.terminate()
            process.wait()


def _start(program: Program) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        program.arguments,
        executable=program.executable,
        env=dict(program.environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _await(answers: Callable[[], Awaitable[bool]]) -> None:
    async def ask() -> bool:
        return await answers()

    end = time.monotonic() + START_SECONDS
    while not asyncio.run(ask()):
        if time.monotonic() > end:
            raise TimeoutError("a server of the benchmark does not answer")
        time.sleep(0.1)
