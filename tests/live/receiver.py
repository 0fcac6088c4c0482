"""An endpoint for webhooks: keeps what arrives, and checks signatures as a subscriber would."""

from __future__ import annotations

import base64
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

from standardwebhooks.webhooks import Webhook

from tests.live.servers.process import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET: Final = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes ...").decode()


class Receiver:
    """What arrived, in order: (id of the message, verified body)."""

    def __init__(self) -> None:
        self.url = ""
        self.messages: list[tuple[str, dict[str, Any]]] = []
        self.refused: list[str] = []

    def config(self, event: str) -> str:
        """Return a subscription for the configuration file."""
        return (
            f'[[webhooks]]\nname = "receiver"\nurl = "{self.url}"\nsecret = "{SECRET}"\n'
            f'events = ["{event}"]\nallow_private = true\n'
        )

    def take(self, body: bytes, headers: dict[str, str]) -> int:
        """Keep a message whose signature is right; return the HTTP status."""
        try:
            verified = Webhook(SECRET).verify(body, headers)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it fails the test
            self.refused.append(repr(error))
            return 400
        self.messages.append((headers["webhook-id"], verified))
        return 204


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Listen on a free port of loopback."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.send_response(receiver.take(body, headers))
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
            pass

    with ThreadingHTTPServer((LOOPBACK, 0), Handler) as server:
        receiver.url = f"http://{LOOPBACK}:{server.server_address[1]}/hook"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
