"""redis-server for the tests: in memory, on a free port of loopback."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from tests.live.servers.process import LOOPBACK, Server, ServerFailedError, free_port

if TYPE_CHECKING:
    from pathlib import Path


def prepare(directory: Path) -> Server:
    """Return a Redis server that keeps nothing on disk. Raises `ServerFailedError` when there is none to run."""
    if shutil.which("redis-server") is None:
        raise ServerFailedError("redis-server is not installed: apt-get install redis-server, or brew install redis")
    port = free_port()
    options = ("--bind", LOOPBACK, "--port", str(port), "--save", "", "--appendonly", "no")
    return Server("redis", ("redis-server", *options), port, directory)
