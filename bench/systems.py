"""The whole system as in production: `costguard up`, with its supervisor, workers, effects and API."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from bench.servers import EMBEDDED, servers
from tests.live.engines import Embedded, Engine, Servers
from tests.live.system import System

if TYPE_CHECKING:
    from collections.abc import Iterator

# The tests run with a shorter one.
PRODUCTION: Final = {"COSTGUARD_SESSION_TIMEOUT": "10"}


@contextmanager
def system(broker: str, *, workers: int = 1) -> Iterator[System]:
    """Start a system; yield it once it is ready, and stop it."""
    with ExitStack() as stack:
        engine = _engine(broker, stack)
        directory = Path(stack.enter_context(TemporaryDirectory()))
        running = System(directory, engine, workers=workers, environment=PRODUCTION)
        stack.callback(running.stop)
        running.start()
        yield running


def _engine(broker: str, stack: ExitStack) -> Engine:
    if broker == EMBEDDED:
        return Embedded()
    started = stack.enter_context(servers(broker))
    return Servers(f"kafka://{started.bootstrap}", started.redis)
