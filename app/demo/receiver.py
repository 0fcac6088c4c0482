"""A webhook receiver on loopback: takes what costguard sends, and checks every signature by hand.

The check is written out from the Standard Webhooks specification (HMAC-SHA256 over `id.timestamp.body`), on
purpose not with the library that signed.
"""

from __future__ import annotations

import base64
import hmac
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message

PREFIX: Final = "whsec_"
MAX_BODY_BYTES: Final = 1 << 20


@dataclass
class Received:
    """What arrived so far: verified CloudEvents by webhook id, deliveries and refusals."""

    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    deliveries: int = 0
    refused: int = 0

    def of_type(self, event_type: str) -> list[dict[str, Any]]:
        """Return the verified events of one type, oldest event time first."""
        found = [event for event in list(self.events.values()) if event.get("type") == event_type]
        return sorted(found, key=lambda event: (str(event.get("time")), str(event.get("id"))))


def signed_by(secret: str, headers: Message, body: bytes) -> bool:
    """Tell whether one of the signatures in the headers is the body's under `secret` (`whsec_<base64>`)."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    content = f"{headers.get('webhook-id')}.{headers.get('webhook-timestamp')}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.digest(key, content, "sha256")).decode()
    offered = (headers.get("webhook-signature") or "").split()
    return any(hmac.compare_digest(expected, signature) for signature in offered)


@contextmanager
def receiver(secret: str) -> Iterator[tuple[str, Received]]:
    """Listen on a free loopback port; yield the URL to send to and what has been received."""
    received, lock = Received(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(min(int(self.headers.get("content-length", "0")), MAX_BODY_BYTES))
            valid = signed_by(secret, self.headers, body)
            with lock:
                received.deliveries += 1
                if valid:
                    received.events[str(self.headers["webhook-id"])] = orjson.loads(body)
                else:
                    received.refused += 1
            self.send_response(HTTPStatus.NO_CONTENT if valid else HTTPStatus.UNAUTHORIZED)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Keep quiet: the summary tells."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="webhook-receiver", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/costguard", received
    finally:
        server.shutdown()
        server.server_close()
