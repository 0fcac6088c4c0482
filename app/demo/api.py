"""The few GETs that the demo makes of the system it started, on loopback."""

from __future__ import annotations

from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import Any, Final
from urllib.parse import urlencode

import orjson

TIMEOUT_SECONDS: Final = 30.0
ANSWER_SHOWN: Final = 300


class ApiFailedError(Exception):
    """The API did not answer with 200; the text holds request and answer."""


class Api:
    """The HTTP API at 127.0.0.1:`port`."""

    def __init__(self, port: int) -> None:
        self._port = port

    def get(self, path: str, **query: str) -> Any:
        """Return the decoded JSON of `GET path?query`; raise `ApiFailedError` on anything but 200."""
        target = f"{path}?{urlencode(query)}" if query else path
        try:
            status, body = self._request(target)
        except (OSError, HTTPException) as error:
            raise ApiFailedError(f"GET {target}: {error}") from error
        if status != HTTPStatus.OK:
            raise ApiFailedError(f"GET {target}: {status} {body[:ANSWER_SHOWN].decode(errors='replace')}")
        return orjson.loads(body)

    def ready(self) -> bool:
        """Tell whether `GET /readyz` says so."""
        try:
            return self._request("/readyz")[0] == HTTPStatus.OK
        except (OSError, HTTPException):
            return False

    def _request(self, target: str) -> tuple[int, bytes]:
        with closing(HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT_SECONDS)) as connection:
            connection.request("GET", target, headers={"accept": "application/json"})
            response = connection.getresponse()
            return response.status, response.read()
