from __future__ import annotations

import base64
import hashlib
import hmac
import json
import shutil
import socket
import ssl
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from standardwebhooks import Webhook

from app.adapters.webhooks import WebhookTransport, signed_headers
from domain.deliveries import Answer, Unreachable
from domain.webhooks import Subscription

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

NOW = 1_793_620_800.9
BODY = '{"id":"e1","data":{"name":"Søren"}}'.encode()
KEYS = (bytes(range(32)), bytes(range(32, 64)))
SECRETS = tuple("whsec_" + base64.b64encode(key).decode() for key in KEYS)


def expected_signature(key: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    """Compute the signature from the text of the specification, without the library under test."""
    signed = message_id.encode() + b"." + timestamp.encode() + b"." + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


class Receiver(ThreadingHTTPServer):
    """An endpoint on a free port of loopback that keeps what it gets; `answer` writes its response."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.answer: Callable[[BaseHTTPRequestHandler], None] = respond(204)
        self.released = threading.Event()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay silent: some tests hang up on purpose."""

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.requests.append((self.path, headers, body))
        self.server.answer(self)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """Stay silent."""


def respond(status: int, body: bytes = b"", **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.released.set()
        server.shutdown()
        thread.join()


def names(*addresses: str) -> Callable[[str, int], Any]:
    async def resolver(host: str, port: int) -> Sequence[str]:
        assert host
        assert port
        return addresses

    return resolver


def subscription(url: str, *, secrets: tuple[str, ...] = SECRETS[:1], allow_private: bool = True) -> Subscription:
    return Subscription("hook", url, secrets, frozenset({"*"}), allow_private=allow_private)


async def post(url: str, **given: Any) -> Answer | Unreachable:
    settings = {key: given.pop(key) for key in ("resolver", "timeout", "verify") if key in given}
    transport = WebhookTransport(**settings)
    try:
        return await transport.post(subscription(url, **given), "e1", BODY, NOW)
    finally:
        await transport.close()


async def test_a_message_is_signed_as_standard_webhooks_says(receiver: Receiver) -> None:
    assert await post(f"http://127.0.0.1:{receiver.port}/hook?x=1") == Answer(204)
    ((path, headers, body),) = receiver.requests
    assert path == "/hook?x=1"
    assert body == BODY
    assert headers["webhook-id"] == "e1"
    assert headers["webhook-timestamp"] == str(int(NOW))
    assert headers["webhook-signature"] == expected_signature(KEYS[0], "e1", str(int(NOW)), BODY)
    assert headers["content-type"].startswith("application/cloudevents+json")


async def test_nothing_logs_the_path_the_query_or_a_secret(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    assert await post(f"http://127.0.0.1:{receiver.port}/hidden?token=hidden") == Answer(204)
    assert "hidden" not in caplog.text
    assert "v1," not in caplog.text


async def test_while_a_secret_is_rotated_both_verify(receiver: Receiver) -> None:
    await post(f"http://127.0.0.1:{receiver.port}/", secrets=SECRETS)
    ((_, headers, _),) = receiver.requests
    assert headers["webhook-signature"].split(" ") == [
        expected_signature(key, "e1", str(int(NOW)), BODY) for key in KEYS
    ]


def test_a_receiver_that_uses_the_reference_library_verifies_with_either_secret() -> None:
    now = time.time()
    headers = signed_headers(SECRETS, "e1", BODY, now)
    for secret in SECRETS:
        assert Webhook(secret).verify(BODY, headers) == json.loads(BODY)


@pytest.mark.parametrize("status", [200, 400, 410, 500])
async def test_the_endpoints_status_is_the_answer(receiver: Receiver, status: int) -> None:
    receiver.answer = respond(status, b"some text")
    assert await post(f"http://127.0.0.1:{receiver.port}/") == Answer(status)


async def test_retry_after_is_read(receiver: Receiver) -> None:
    receiver.answer = respond(429, Retry_After="120")
    assert await post(f"http://127.0.0.1:{receiver.port}/") == Answer(429, 120)


async def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.answer = respond(307, Location=f"http://127.0.0.1:{receiver.port}/internal")
    assert await post(f"http://127.0.0.1:{receiver.port}/") == Answer(307)
    assert [path for path, _, _ in receiver.requests] == ["/"]


async def test_proxies_of_the_environment_are_not_used(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert await post(f"http://127.0.0.1:{receiver.port}/") == Answer(204)


async def test_the_connection_goes_to_the_checked_address_and_the_host_header_keeps_the_name(
    receiver: Receiver,
) -> None:
    url = f"http://hooks.test:{receiver.port}/"
    assert await post(url, resolver=names("127.0.0.1")) == Answer(204)
    assert receiver.requests[0][1]["host"] == f"hooks.test:{receiver.port}"


async def test_the_next_address_is_tried_when_one_does_not_answer(receiver: Receiver) -> None:
    url = f"http://hooks.test:{receiver.port}/"
    assert await post(url, resolver=names("127.0.0.2", "127.0.0.1")) == Answer(204)


@pytest.mark.parametrize("url", ["http://127.0.0.1:{}/x?token=hidden", "http://2130706433:{}/x?token=hidden"])
async def test_a_private_address_is_refused_with_a_reason_that_holds_no_secret(
    receiver: Receiver, caplog: pytest.LogCaptureFixture, url: str
) -> None:
    caplog.set_level("DEBUG")
    got = await post(url.format(receiver.port), allow_private=False)
    assert isinstance(got, Unreachable)
    assert got.reason.startswith("refused:")
    assert "127.0.0.1" in got.reason
    assert not receiver.requests
    for hidden in ("hidden", "whsec"):
        assert hidden not in caplog.text + got.reason


async def test_a_name_that_resolves_to_a_private_address_is_refused(receiver: Receiver) -> None:
    got = await post(f"http://hooks.test:{receiver.port}/", allow_private=False, resolver=names("127.0.0.1"))
    assert isinstance(got, Unreachable)
    assert not receiver.requests


async def test_an_endpoint_that_does_not_answer_is_left_after_the_timeout(receiver: Receiver) -> None:
    receiver.answer = lambda _: (receiver.released.wait(10), None)[1]
    assert await post(f"http://127.0.0.1:{receiver.port}/", timeout=0.2) == Unreachable("no answer within 0.2 s")


async def test_an_answer_that_trickles_is_left_after_the_timeout(receiver: Receiver) -> None:
    def trickle(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not receiver.released.wait(0.02):
            handler.wfile.write(b"x")

    receiver.answer = trickle
    assert await post(f"http://127.0.0.1:{receiver.port}/", timeout=0.3) == Unreachable("no answer within 0.3 s")


async def test_of_an_endless_answer_a_little_is_read(receiver: Receiver) -> None:
    def flood(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not receiver.released.is_set():
            handler.wfile.write(b"x" * 65_536)

    receiver.answer = flood
    assert await post(f"http://127.0.0.1:{receiver.port}/") == Answer(200)


async def unknown_name(host: str, port: int) -> Sequence[str]:
    raise socket.gaierror(f"{host}:{port} is not known")


@pytest.mark.parametrize("resolver", [names("127.0.0.1"), unknown_name, names()])
async def test_an_endpoint_that_cannot_be_reached_is_a_reason_without_its_url(resolver: Any) -> None:
    got = await post("http://hooks.test:9/x?token=hidden", resolver=resolver)
    assert isinstance(got, Unreachable)
    assert "cannot be reached" in got.reason
    assert "hidden" not in got.reason


@pytest.fixture
def certified(receiver: Receiver, tmp_path: Path) -> ssl.SSLContext:
    """Let the receiver speak TLS as `hooks.test`; return the context that trusts it."""
    pem = tmp_path / "hooks.pem"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=hooks.test",
            "-addext",
            "subjectAltName=DNS:hooks.test",
            "-keyout",
            pem,
            "-out",
            tmp_path / "cert.pem",
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", pem)
    receiver.socket = context.wrap_socket(receiver.socket, server_side=True)
    return ssl.create_default_context(cafile=tmp_path / "cert.pem")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes a certificate with openssl")
async def test_the_certificate_is_checked_against_the_name_while_the_address_is_pinned(
    receiver: Receiver, certified: ssl.SSLContext
) -> None:
    url = "https://{}:" + f"{receiver.port}/"
    resolver = names("127.0.0.1")
    assert await post(url.format("hooks.test"), resolver=resolver, verify=certified) == Answer(204)
    other = await post(url.format("other.test"), resolver=resolver, verify=certified)
    assert isinstance(other, Unreachable)
    assert len(receiver.requests) == 1
