"""Clients that are slow, many, or not HTTP at all: told so, and gone, while others are answered."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import httpx
import orjson
import pytest
import uvicorn

from app.adapters.loopback import LOOPBACK, free_port
from app.api import http_protocol
from app.api.http_protocol import BoundedProtocol
from tests.app.api.fakes import World, usage
from tests.live.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

GET = b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n"
POST = b"POST /events HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
PATIENCE = 30
# Long enough for a busy machine to answer an honest request, short enough to wait for.
SOON = 0.5


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[int]:
    """Serve an app as the `api` process does; yield the port."""
    port = free_port()
    config = uvicorn.Config(
        app, host=LOOPBACK, port=port, http=BoundedProtocol, ws="none", lifespan="off", log_config=None
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server._serve())
    try:
        await eventually(_returning(lambda: server.started), bool)
        yield port
    finally:
        server.should_exit = True
        await task


def _returning(read: Callable[[], bool]) -> Callable[[], Awaitable[bool]]:
    async def value() -> bool:
        return read()

    return value


async def told(port: int, *pieces: bytes, every: float = 0.0) -> httpx.Response:
    """Send pieces until the server closes, and return what it says; 444 when nothing."""
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    reading = asyncio.create_task(reader.read())
    async with asyncio.timeout(PATIENCE):
        with suppress(ConnectionError):
            for piece in pieces:
                if reading.done():
                    break
                writer.write(piece)
                await asyncio.sleep(every)
            await reading
    writer.close()
    head, _, body = (b"" if reading.exception() else reading.result()).partition(b"\r\n\r\n")
    if not head:
        return httpx.Response(444)
    status, *headers = head.decode().split("\r\n")
    pairs = [(name, value) for name, _, value in (header.partition(": ") for header in headers)]
    return httpx.Response(int(status.split(" ")[1]), headers=pairs, content=body)


def is_problem(answer: httpx.Response, status: int) -> bool:
    return (answer.status_code, answer.headers["content-type"], answer.json()["status"]) == (
        status,
        "application/problem+json",
        status,
    )


async def is_alive(port: int) -> bool:
    async with httpx.AsyncClient(base_url=f"http://{LOOPBACK}:{port}") as client:
        return (await client.get("/healthz")).status_code == httpx.codes.OK


async def test_a_head_that_comes_byte_by_byte_is_not_waited_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_SECONDS", SOON)
    async with serving(world.app()) as port:
        assert is_problem(await told(port, GET), 408)
        # What is under way when the connection is closed may cost the client the reason.
        assert (await told(port, GET, *[b"x-drop: 1\r\n"] * 2_000, every=0.05)).status_code in {408, 444}
        assert await is_alive(port)


@pytest.mark.parametrize("pieces", [(), (b"\r\n",) * 2_000])
async def test_a_connection_that_never_asks_is_closed(
    world: World, monkeypatch: pytest.MonkeyPatch, pieces: tuple[bytes, ...]
) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_SECONDS", SOON)
    async with serving(world.app()) as port:
        assert (await told(port, *pieces, every=0.05)).status_code in {408, 444}


async def test_a_body_that_does_not_come_is_not_waited_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "BODY_SECONDS", SOON)
    async with serving(world.app()) as port:
        head = POST + b"content-length: 100000\r\n\r\n"
        assert is_problem(await told(port, head), 408)
        assert (await told(port, head, *[b" "] * 2_000, every=0.05)).status_code in {408, 444}
        assert await is_alive(port)
    assert world.publisher.sent == []


async def test_a_client_that_does_not_read_its_answer_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "ANSWER_SECONDS", SOON)
    ended = asyncio.Event()

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(64):
            await send({"type": "http.response.body", "body": bytes(1_000_000), "more_body": True})
        ended.set()

    async with serving(app) as port:
        _, writer = await asyncio.open_connection(LOOPBACK, port, limit=1)
        writer.write(GET + b"\r\n")
        async with asyncio.timeout(PATIENCE):
            await ended.wait()
        writer.close()


async def test_an_honest_client_is_not_disturbed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that keeps its connection, sends its events in pieces, and asks again after a while."""
    monkeypatch.setattr(http_protocol, "HEAD_SECONDS", SOON)
    body = orjson.dumps([usage(f"event-{number}") for number in range(500)])

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(body), 20_000):
            yield body[at : at + 20_000]
            await asyncio.sleep(SOON / 4)

    async with serving(world.app()) as port, httpx.AsyncClient(base_url=f"http://{LOOPBACK}:{port}") as client:
        for _ in range(2):
            sent = await client.post("/events", content=pieces(), headers={"content-type": "application/json"})
            assert sent.status_code == 202
            await asyncio.sleep(2 * SOON)


async def test_a_head_without_end_is_refused(world: World) -> None:
    async with serving(world.app()) as port:
        answer = await told(port, GET, *[b"x-more: " + b"x" * 1_000 + b"\r\n"] * 65)
        assert is_problem(answer, 431)
        assert is_problem(await told(port, b"GET /", *[b"x" * 10_000] * 7), 431)
        assert await is_alive(port)


async def test_more_connections_than_allowed_are_told_to_come_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_protocol, "MAX_CONNECTIONS", 3)
    async with serving(world.app()) as port:
        held = [await asyncio.open_connection(LOOPBACK, port) for _ in range(3)]
        held[0][1].write(GET + b"\r\n")
        assert (await held[0][0].readline()).startswith(b"HTTP/1.1 200")
        assert is_problem(await told(port), 503)
        for _, writer in held:
            writer.close()
        await eventually(lambda: is_alive(port), bool)


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /\xff\xfe HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n",
        b"GET http://[ HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n",
        b"BREW / HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n",
        GET + b"content-length: -1\r\n\r\n",
        POST + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + b"transfer-encoding: chunked\r\n\r\nzz\r\n\r\n",
    ],
)
async def test_what_is_not_http_is_refused(world: World, sent: bytes) -> None:
    async with serving(world.app()) as port:
        assert is_problem(await told(port, sent), 400)
        assert await is_alive(port)


async def test_a_client_that_leaves_in_mid_body_is_no_failure_of_ours(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(world.app()) as port:
        _, writer = await asyncio.open_connection(LOOPBACK, port)
        writer.write(POST + b"content-length: 1000\r\n\r\n[")
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        assert await is_alive(port)
        assert await is_alive(port)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
