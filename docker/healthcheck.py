# ruff: noqa: INP001 - a script of the image, not a module
"""Tell Docker whether the container's process works: exit code 0 or 1, one line why.

The role is that of process 1. The api answers `/healthz`; a worker or effects process writes a heartbeat into Redis
every second, under its role and host name, and says there whether its tables are recovered.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
import urllib.request
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app.adapters.redis_view import RedisView
from app.settings import Settings, from_environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SECONDS: Final = 4.0
# A heartbeat older than this comes from a process that has stopped working.
MAX_AGE: Final = 10


def role(command: Sequence[str]) -> str:
    """Return the role in `python -m app <role> ...`."""
    return command[command.index("app") + 1]


def wrong_with(beats: Mapping[str, bytes], process: str, now: float) -> str | None:
    """Return what the heartbeats say is wrong with a process, or None; `process` is `<role>-<host>`."""
    own = [json.loads(beat) for name, beat in beats.items() if name.rpartition("-")[0] == process]
    fresh = [beat for beat in own if now - beat["at"] <= MAX_AGE]
    if not fresh:
        return f"no heartbeat of {process} for {MAX_AGE} s"
    if not all(beat["ready"] for beat in fresh):
        return f"{process} is not ready: partitions are being assigned or recovered"
    return None


async def worker(settings: Settings, process: str) -> str | None:
    """Return what is wrong with a worker or effects process, or None."""
    view = RedisView.connect(settings.redis_url, settings.view_prefix)
    try:
        return wrong_with(await view.documents("workers"), process, time.time())
    finally:
        await view.close()


def api(settings: Settings) -> str | None:
    """Return what is wrong with the api, or None."""
    url = f"http://127.0.0.1:{settings.api_port}/healthz"
    with urllib.request.urlopen(url, timeout=SECONDS) as answer:
        return None if answer.status == HTTPStatus.OK else f"{url}: {answer.status}"


def main() -> int:
    """Check the process that this container runs."""
    settings = from_environment()
    try:
        name = role(Path("/proc/1/cmdline").read_text().rstrip("\0").split("\0"))
        if name == "api":
            wrong = api(settings)
        else:
            process = f"{name}-{socket.gethostname()}"
            wrong = asyncio.run(asyncio.wait_for(worker(settings, process), SECONDS))
    except Exception as error:  # noqa: BLE001 - whatever it is, the process is not healthy
        wrong = f"{type(error).__name__}: {error}"
    sys.stdout.write(f"{wrong or 'healthy'}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
