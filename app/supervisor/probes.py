"""Asking whether things are there: free ports before the start, the API's readiness after it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from app.adapters.loopback import LOOPBACK, is_free
from app.typed_toml import SettingsError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from app.settings import Settings

_HTTP_SECONDS: Final = 5.0
_POLL_SECONDS: Final = 0.1
_ANY_ADDRESS: Final = {"0.0.0.0": LOOPBACK, "::": "::1"}
BROKER_PORT: Final = "COSTGUARD_EMBEDDED_BROKER_PORT"
API_PORT: Final = "COSTGUARD_API_PORT"
API_HOST: Final = "COSTGUARD_API_HOST"


def require_free_ports(settings: Settings) -> None:
    """Raise `SettingsError` when a port that we are about to listen on is taken."""
    if settings.starts_broker:
        _require_free(BROKER_PORT, LOOPBACK, settings.embedded_broker_port)
    _require_free(API_PORT, settings.api_host, settings.api_port)


def _require_free(key: str, host: str, port: int) -> None:
    try:
        free = is_free(host, port)
    except PermissionError:
        raise SettingsError(key, f"this user must not listen on port {port}") from None
    except OSError as error:
        raise SettingsError(API_HOST, f"cannot listen on {host}: {error.strerror}") from None
    if not free:
        raise SettingsError(key, f"port {port} on {host} is in use")


async def until(condition: Callable[[], Awaitable[bool]], seconds: float | None) -> bool:
    """Ask again and again; tell whether it became true in time."""
    try:
        async with asyncio.timeout(seconds):
            while not await condition():  # noqa: ASYNC110 - it becomes true in another process
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError:
        return False
    return True


async def is_ready(settings: Settings) -> bool:
    """Tell whether the API says that everything is ready; never raises."""
    host = _ANY_ADDRESS.get(settings.api_host, settings.api_host)
    try:
        async with asyncio.timeout(_HTTP_SECONDS):
            return await _status(host, settings.api_port, "/readyz") == "200"
    except (OSError, TimeoutError):
        return False


async def _status(host: str, port: int, path: str) -> str:
    """Return the status code of a GET; empty when the answer is not HTTP."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
        status = await reader.readline()
    finally:
        writer.close()
    return next(iter(status.decode("latin-1").split(" ")[1:2]), "")
