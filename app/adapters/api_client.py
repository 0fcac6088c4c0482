"""The HTTP API as a client sees it: JSON out, one sentence when that is not possible."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import httpx

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Parameters = Mapping[str, str | Sequence[str]]

TIMEOUT_SECONDS: Final = 30.0
_SHOWN: Final = 300


class ApiError(Exception):
    """The API cannot be reached, or refused the question; the text says which and why."""


class ApiClient:
    """Asks the API at a base URL, with a bearer token where one is needed."""

    def __init__(self, base: str, token: str | None = None, transport: httpx.BaseTransport | None = None) -> None:
        self._base = base.rstrip("/")
        self._headers = {"accept": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
        self._transport = transport

    def get(self, path: str, parameters: Parameters) -> Any:
        """Return the decoded answer; raise `ApiError` on anything but 200."""
        try:
            # What is asked is on loopback or inside; proxies of the environment are for the way out.
            with httpx.Client(transport=self._transport, timeout=TIMEOUT_SECONDS, trust_env=False) as client:
                answer = client.get(self._base + path, params=dict(parameters), headers=self._headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ApiError(
                f"the API at {self._base} is not reachable ({_why(error)}); is costguard up? "
                "Elsewhere: --api URL, or its directory: COSTGUARD_DATA_DIR=..."
            ) from error
        if not answer.is_success:
            raise ApiError(f"{path}: {answer.status_code} {_detail(answer)}")
        try:
            return answer.json()
        except ValueError as error:
            raise ApiError(f"{self._base}{path} did not answer with JSON: is this costguard?") from error


def _why(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


def _detail(answer: httpx.Response) -> str:
    try:
        problem = answer.json()
    except ValueError:
        return answer.reason_phrase
    detail = problem.get("detail") if isinstance(problem, dict) else None
    return " ".join(str(detail or answer.reason_phrase).split())[:_SHOWN]
