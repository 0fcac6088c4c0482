from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from app.adapters.loopback import free_port
from app.settings import load_settings
from app.supervisor import probes
from app.typed_toml import SettingsError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from app.settings import Settings


def settings(**environ: str) -> Settings:
    return load_settings({f"COSTGUARD_{name.upper()}": value for name, value in environ.items()}, {})


@asynccontextmanager
async def answering(answer: bytes) -> AsyncIterator[Settings]:
    """Serve these bytes to whoever sends a request, at the API's address of the settings."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readline() == b"GET /readyz HTTP/1.1\r\n"
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield settings(api_port=str(server.sockets[0].getsockname()[1]))


@pytest.mark.parametrize(
    ("variable", "name"),
    [("COSTGUARD_API_PORT", "api_port"), ("COSTGUARD_EMBEDDED_BROKER_PORT", "embedded_broker_port")],
)
def test_a_port_in_use_is_one_line_that_names_the_key(variable: str, name: str) -> None:
    free = {"api_port": str(free_port()), "embedded_broker_port": str(free_port())}
    probes.require_free_ports(settings(**free))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError) as caught:
            probes.require_free_ports(settings(**free | {name: str(port)}))
    assert str(caught.value) == f"{variable}: port {port} on 127.0.0.1 is in use"


def test_the_port_of_a_broker_elsewhere_does_not_matter() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        probes.require_free_ports(
            settings(broker_url="kafka://a", embedded_broker_port=port, api_port=str(free_port()))
        )


def test_an_address_that_is_not_of_this_machine_is_told() -> None:
    with pytest.raises(SettingsError, match=r"^COSTGUARD_API_HOST: cannot listen on 192\.0\.2\.1: "):
        probes.require_free_ports(settings(api_host="192.0.2.1", api_port=str(free_port()), broker_url="kafka://a"))


async def test_ready_is_200_and_nothing_else() -> None:
    for answer, ready in [
        (b"HTTP/1.1 200 OK\r\n\r\n", True),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", False),
        (b"200\r\n", False),
        (b"\xff\xfe\r\n", False),
        (b"", False),
    ]:
        async with answering(answer) as known:
            assert await probes.is_ready(known) == ready


async def test_nobody_there_is_not_ready() -> None:
    assert not await probes.is_ready(settings(api_port=str(free_port())))


async def test_until_asks_again_and_gives_up() -> None:
    answers = iter([False, False, True])

    async def third_time() -> bool:
        return next(answers)

    async def never() -> bool:
        return False

    assert await probes.until(third_time, 10)
    assert not await probes.until(never, 0.05)
