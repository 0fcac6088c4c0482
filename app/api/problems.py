"""What went wrong, as RFC 9457 problem documents; never a stack trace, never half a sentence."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, TypeVar

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from app.adapters.redis_view import RedisError
from app.typed_toml import nearest
from domain.rejection import Rejected

logger = logging.getLogger(__name__)

T = TypeVar("T")

MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER_SECONDS: Final = "5"
MAX_ERRORS: Final = 20


class Problem(Exception):  # noqa: N818 - RFC 9457 calls it a problem
    """Ends a request with a problem document; `extensions` are further members of it."""

    def __init__(
        self,
        status: int,
        detail: str,
        headers: Mapping[str, str] | None = None,
        extensions: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = HTTPStatus(status)
        self.detail = detail
        self.headers = headers or {}
        self.extensions = extensions or {}


def usable(value: T | Rejected) -> T:
    """Return what a person asked for, or end the request with the reason why it cannot be used."""
    if isinstance(value, Rejected):
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, value.reason)
    return value


def unavailable(detail: str, extensions: Mapping[str, Any] | None = None) -> Problem:
    """Say that something we need is away for now."""
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, {"retry-after": RETRY_AFTER_SECONDS}, extensions)


def document(problem: Problem) -> bytes:
    """Return the document."""
    body = {
        "type": "about:blank",
        "title": problem.status.phrase,
        "status": int(problem.status),
        "detail": problem.detail,
        **problem.extensions,
    }
    return orjson.dumps(body)


def respond(problem: Problem) -> Response:
    """Answer with the document."""
    headers = {"cache-control": "no-store", **problem.headers}
    return Response(document(problem), int(problem.status), headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Answer every error of an app with a problem document."""
    for kind in (Problem, HTTPException, RequestValidationError, ClientDisconnect, RedisError, Exception):
        app.add_exception_handler(kind, _handle)


async def _handle(request: Request, error: Exception) -> Response:
    return respond(_problem(request, error))


def _problem(request: Request, error: Exception) -> Problem:
    match error:
        case Problem():
            return error
        case HTTPException():
            return Problem(error.status_code, _said(error), error.headers)
        case RequestValidationError():
            return _invalid(error, [each["name"] for each in parameters(request)])
        case ClientDisconnect():
            # Nobody reads this; what is everyday is not logged as a failure.
            return Problem(HTTPStatus.BAD_REQUEST, "the body ended early")
        case RedisError():
            logger.warning("the view is away: %s", type(error).__name__)
            return unavailable("Redis, where costs and budgets are read, does not answer; try again")
        case _:
            return _unexpected(request, error)


def _said(error: HTTPException) -> str:
    """Say what to do about a path or method that does not exist, which the router does not."""
    if error.status_code == HTTPStatus.NOT_FOUND:
        return "nothing is served here; GET /openapi.json lists what is, and GET /docs shows it"
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED and (allowed := (error.headers or {}).get("Allow")):
        return f"this path takes {allowed}"
    return str(error.detail)


def parameters(request: Request) -> list[Mapping[str, Any]]:
    """Return the parameters that the requested operation takes, as the OpenAPI document has them."""
    operations = request.app.openapi()["paths"].get(getattr(request.scope.get("route"), "path", ""), {})
    return list(operations.get(request.method.lower(), {}).get("parameters", ()))


def _invalid(error: RequestValidationError, known: list[str]) -> Problem:
    """Name the parameters; what a client sent is not repeated, it may be a secret in the wrong place."""
    errors = [
        {"parameter": (name := ".".join(str(part) for part in each["loc"][1:])), "detail": _sentence(each, name, known)}
        for each in error.errors()[:MAX_ERRORS]
    ]
    first = errors[0]
    detail = f"{first['parameter']}: {first['detail']}"
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, extensions={"errors": errors})


def _sentence(error: Mapping[str, Any], name: str, known: list[str]) -> str:
    return f"unknown parameter{nearest(name, known)}" if error["type"] == "extra_forbidden" else str(error["msg"])


def _unexpected(request: Request, error: Exception) -> Problem:
    """Log all, tell nothing but an id under which it can be found in the log."""
    correlation_id = request.app.state.services.new_id()
    logger.error("%s %s failed (%s)", request.method, request.url.path, correlation_id, exc_info=error)
    detail = "something failed here; the log tells more under the correlation id"
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail, extensions={"correlation_id": correlation_id})
