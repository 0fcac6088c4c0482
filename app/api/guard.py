"""Keeps other people's web pages out: DNS rebinding, and writes that a browser sends for another site.

While nobody has to show a token, whoever reaches the API may use it, so it listens on loopback. A page in a browser
on this machine reaches loopback too: under a name of its own that it lets point here (its Host is not loopback
then), or by sending a form (its Origin is not ours then).
"""

from __future__ import annotations

import ipaddress
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from app.api.problems import Problem, respond

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_SITES: Final = frozenset({"same-origin", "none"})


class Guard:
    """ASGI middleware; `loopback_only` refuses requests whose Host is not loopback."""

    def __init__(self, app: ASGIApp, *, loopback_only: bool) -> None:
        self._app = app
        self._loopback_only = loopback_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with the reason why not."""
        problem = self._problem(scope) if scope["type"] == "http" else None
        if problem is None:
            await self._app(scope, receive, send)
        else:
            await respond(problem)(scope, receive, send)

    def _problem(self, scope: Scope) -> Problem | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if self._loopback_only and not is_loopback(host):
            detail = "without tokens the API answers only to loopback names such as localhost and 127.0.0.1"
            return Problem(HTTPStatus.MISDIRECTED_REQUEST, detail)
        if scope["method"] not in _READS and is_cross_site(headers, host):
            return Problem(HTTPStatus.FORBIDDEN, "a page of another site must not write here")
        return None


def is_loopback(host: str) -> bool:
    """Tell whether a Host header names this machine's loopback, with or without a port."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    # Clients that forget the brackets around an IPv6 address; no name can look like this.
    if host.startswith("::1"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")


def is_cross_site(headers: Headers, host: str) -> bool:
    """Tell whether a browser says that a page of another origin sent this."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None and site not in _OWN_SITES:
        return True
    if origin is None:
        return False
    try:
        return urlsplit(origin).netloc.lower() != host.lower()
    except ValueError:
        return True
