"""What went wrong, as RFC 9457 problem documents; never a stack trace, never half a sentence."""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from app.adapters.redis_view import RedisError
from domain.rejection import Rejected

logger = logging.getLogger(__name__)

MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER_SECONDS: Final = "5"
_UNKNOWN_PARAMETER: Final = "extra_forbidden"


class Problem(Exception):  # noqa: N818 - RFC 9457 calls it a problem
    """Ends a request with a problem document; `extensions` are further members of it."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        headers: Mapping[str, str] | None = None,
        extensions: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers
        self.extensions = extensions or {}


def accepted[T](value: "T | Rejected") -> T:
    """Return what a person asked for, or end the request with the reason why it cannot be used."""
    if isinstance(value, Rejected):
        raise unusable(value.reason)
    return value


def unusable(reason: str) -> Problem:
    """Say what of a request cannot be used."""
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, reason)


def unavailable(detail: str, extensions: Mapping[str, Any] | None = None) -> Problem:
    """Say that something we need is away for now."""
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE, detail, {"retry-after": RETRY_AFTER_SECONDS}, extensions
    )


def respond(problem: Problem) -> Response:
    """Return the document."""
    body = {
        "type": "about:blank",
        "title": problem.status.phrase,
        "status": int(problem.status),
        "detail": problem.detail,
        **problem.extensions,
    }
    headers = {"cache-control": "no-store", **(problem.headers or {})}
    return Response(orjson.dumps(body), int(problem.status), headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Answer every error of an app with a problem document."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(RedisError, _view_away)
    app.add_exception_handler(Exception, _unexpected)


async def _problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return respond(error)
