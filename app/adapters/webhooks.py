"""Sends webhooks: signed as Standard Webhooks says, to checked addresses only.

Redirects are not followed, proxies of the environment not used, an answer's body is read up to a bound and
thrown away, and an attempt takes ten seconds at most. Reasons hold no more of a URL than its host.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import httpx
from standardwebhooks import Webhook

from app.adapters import addresses
from app.adapters.addresses import RefusedAddressError
from domain.deliveries import Answer, Unreachable, parse_retry_after

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

    from app.adapters.addresses import Resolve
    from domain.webhooks import Subscription

# They log whole URLs and headers, and a URL may hold a token.
for _client in ("httpx", "httpcore"):
    logging.getLogger(_client).setLevel(logging.WARNING)

TIMEOUT_SECONDS: Final = 10.0
MAX_ANSWER_BYTES: Final = 16 * 1024
_FIXED_HEADERS: Final = {
    "content-type": "application/cloudevents+json; charset=utf-8",
    "accept-encoding": "identity",
    "user-agent": "costguard-webhooks/1",
    # The connection belongs to one address and one name: never reuse it for another.
    "connection": "close",
}


class WebhookTransport:
    """One HTTP client for all subscriptions; `async with` or `close` it."""

    def __init__(
        self,
        *,
        resolver: Resolve = addresses.resolve,
        timeout: float = TIMEOUT_SECONDS,
        verify: ssl.SSLContext | bool = True,
    ) -> None:
        self._resolver = resolver
        self._timeout = timeout
        self._client = httpx.AsyncClient(
            verify=verify,
            trust_env=False,
            follow_redirects=False,
            timeout=timeout,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def post(self, subscription: Subscription, message_id: str, body: bytes, now: float) -> Answer | Unreachable:
        """Sign and send one message; `now` (epoch seconds) becomes its timestamp. Never raises."""
        try:
            async with asyncio.timeout(self._timeout):
                return await self._post(subscription, message_id, body, now)
        except RefusedAddressError as error:
            return Unreachable(f"refused: {error}")
        except (TimeoutError, httpx.TimeoutException):
            return Unreachable(f"no answer within {self._timeout:g} s")
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
            # Not the message: httpx puts the URL into some of them.
            return Unreachable(f"cannot be reached ({type(error).__name__})")

    async def _post(self, subscription: Subscription, message_id: str, body: bytes, now: float) -> Answer:
        url = httpx.URL(subscription.url)
        port = url.port or (443 if url.scheme == "https" else 80)
        allowed = await addresses.checked_addresses(
            url.raw_host.decode("ascii"),
            port,
            allow_private=subscription.allow_private,
            resolver=self._resolver,
        )
        headers = {
            "host": url.netloc.decode("ascii"),
            **_FIXED_HEADERS,
            **signed_headers(subscription.secrets, message_id, body, now),
        }
        return await self._first_that_connects(url, allowed, headers, body, now)

    async def _first_that_connects(
        self, url: httpx.URL, allowed: Sequence[str], headers: dict[str, str], body: bytes, now: float
    ) -> Answer:
        for address in allowed[:-1]:
            try:
                return await self._send(url, address, headers, body, now)
            except httpx.ConnectError:
                continue
        return await self._send(url, allowed[-1], headers, body, now)

    async def _send(self, url: httpx.URL, address: str, headers: dict[str, str], body: bytes, now: float) -> Answer:
        pinned = url.copy_with(host=address)
        # The certificate is checked against the name, not against the address we connect to.
        extensions = {"sni_hostname": url.raw_host.decode("ascii")} if url.scheme == "https" else {}
        async with self._client.stream(
            "POST", pinned, headers=headers, content=body, extensions=extensions
        ) as response:
            await _read_some(response)
            return Answer(response.status_code, parse_retry_after(response.headers.get("retry-after"), now))


def signed_headers(secrets: Sequence[str], message_id: str, body: bytes, now: float) -> dict[str, str]:
    """Return the three headers of Standard Webhooks; one signature per secret, newest first."""
    timestamp = datetime.fromtimestamp(int(now), UTC)
    text = body.decode()
    signatures = [Webhook(secret).sign(message_id, timestamp, text) for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now)),
        "webhook-signature": " ".join(signatures),
    }


async def _read_some(response: httpx.Response) -> None:
    """Read a short answer to its end, so that the endpoint may finish; hang up on a long one."""
    size = 0
    async for chunk in response.aiter_raw():
        size += len(chunk)
        if size > MAX_ANSWER_BYTES:
            return
