"""The receiver accepts what Standard Webhooks signs, and nothing else."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from http.client import HTTPConnection
from urllib.parse import urlsplit

import orjson
import pytest
from standardwebhooks import Webhook

from app.demo.receiver import receiver

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
BODY = orjson.dumps({"id": "1", "type": "costguard.budget.threshold-crossed", "time": "2026-10-01T00:00:00Z"})


def post(url: str, body: bytes, signature: str, message: str = "msg") -> int:
    target = urlsplit(url)
    connection = HTTPConnection(str(target.hostname), target.port, timeout=5)
    headers = {"webhook-id": message, "webhook-timestamp": "1790000000", "webhook-signature": signature}
    connection.request("POST", target.path, body, headers)
    status = connection.getresponse().status
    connection.close()
    return status


def sign(message: str = "msg") -> str:
    return Webhook(SECRET).sign(message, datetime.fromtimestamp(1790000000, UTC), BODY.decode())


def test_a_delivery_signed_by_the_reference_library_is_kept() -> None:
    with receiver(SECRET) as (url, received):
        assert post(url, BODY, f"v1,older {sign()}") == 204
        assert received.of_type("costguard.budget.threshold-crossed") == [orjson.loads(BODY)]
        assert (received.deliveries, received.refused) == (1, 0)


@pytest.mark.parametrize(
    ("body", "message", "signature"),
    [(BODY + b" ", "msg", sign()), (BODY, "other", sign()), (BODY, "msg", "v1,"), (BODY, "msg", "")],
)
def test_another_body_another_id_or_no_signature_is_refused(body: bytes, message: str, signature: str) -> None:
    with receiver(SECRET) as (url, received):
        assert post(url, body, signature, message) == 401
        assert (received.deliveries, received.refused, received.events) == (1, 1, {})


def test_a_repeated_delivery_is_counted_but_is_one_event() -> None:
    with receiver(SECRET) as (url, received):
        for _ in range(2):
            post(url, BODY, sign())
        assert (received.deliveries, len(received.events)) == (2, 1)
