# ruff: noqa: INP001 - a script of the image, not a module
"""Tell Docker whether the container's process works: exit code 0 or 1, one line why.

The role is that of process 1. The api answers `/healthz`; a worker or effects process writes a heartbeat into Redis
every second and says there whether its tables are recovered.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
import urllib.request
from pathlib import Path
from typing import Final

from app.adapters.redis_view import RedisView
from app.settings import Settings, from_environment

SECONDS: Final = 4.0
# A heartbeat older than this comes from a process that has stopped working.
MAX_AGE: Final = 10


def role(command: list[str]) -> tuple[str, str]:
    """Return role and index in `python -m app <role> [--index N]`."""
    after = command[command.index("app") + 1 :]
    index = after[after.index("--index") + 1] if "--index" in after else "0"
    return after[0], index


async def heartbeat(settings: Settings, identifier: str) -> str | None:
    """Return what is wrong with a worker or effects process, or None."""
    view = RedisView.connect(settings.redis_url, settings.view_prefix)
    try:
        beat = json.loads((await view.documents("workers")).get(identifier, b"{}"))
    finally:
        await view.close()
    if time.time() - beat.get("at", 0) > MAX_AGE:
        return f"no heartbeat of {identifier} for {MAX_AGE} s"
    return None if beat["ready"] else f"{identifier} is not ready: partitions are being assigned or recovered"


def api(settings: Settings) -> str | None:
    """Return what is wrong with the api, or None."""
    url = f"http://127.0.0.1:{settings.api_port}/healthz"
    with urllib.request.urlopen(url, timeout=SECONDS) as answer:
        return None if answer.status == 200 else f"{url}: {answer.status}"  # noqa: PLR2004


def main() -> int:
    """Check the process that this container runs."""
    settings = from_environment()
    command = Path("/proc/1/cmdline").read_text().rstrip("\0").split("\0")
    try:
        name, index = role(command)
        if name == "api":
            wrong = api(settings)
        else:
            wrong = asyncio.run(asyncio.wait_for(heartbeat(settings, f"{name}-{index}"), SECONDS))
    except Exception as error:  # noqa: BLE001 - whatever it is, the process is not healthy
        wrong = f"{type(error).__name__}: {error}"
    sys.stdout.write(f"{wrong or 'healthy'}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
