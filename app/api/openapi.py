"""The OpenAPI document: what FastAPI derives from the routes, and the problem documents that any of them may answer."""

from importlib.metadata import version
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from msgspec.json import schema_components

from app.api.problems import MEDIA_TYPE
from domain.usage import UsageEvent

DESCRIPTION: Final = """Exact cost by tenant, environment, feature, service and team within seconds; budgets that switch
feature flags. Amounts are decimal strings, times are RFC 3339, errors are RFC 9457 problem documents."""
_PROBLEM: Final = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457. Further members say more: `errors`, `events`, `correlation_id`.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "example": "about:blank"},
        "title": {"type": "string", "example": "Unprocessable Entity"},
        "status": {"type": "integer", "example": 422},
        "detail": {"type": "string", "example": "start: must be before end"},
    },
}
_SCHEMAS: Final = "#/components/schemas/"
# The structs that decode events describe them, too.
_USAGE, _PARTS = schema_components([UsageEvent], ref_template=_SCHEMAS + "{name}")
USAGE_EVENT: Final[dict[str, Any]] = _USAGE[0]
_OPEN: Final = frozenset({"/healthz", "/readyz"})
_ANYWHERE: Final = {
    "403": "Not allowed, or sent by a page of another site",
    "421": "Not a loopback name",
    "500": "Our fault",
}
_WITH_TOKEN: Final = {"401": "No token, or an unknown one", "503": "Broker or Redis is away; see Retry-After"}
_WITH_INPUT: Final = {"422": "Something in the request cannot be used"}
_WITH_BODY: Final = {"400": "The body is not JSON", "413": "Too large", "415": "Not a type that is taken here"}
_PAGES: Final = {"/dead-letters": {"410": "Letters before that one are no longer kept"}}
_NAMED: Final = {"404": "There is no such budget"}


def install(app: FastAPI) -> None:
    """Serve our document instead of FastAPI's."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = describe(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the document of an app."""
    document = get_openapi(title="costguard", version=version("costguard"), description=DESCRIPTION, routes=app.routes)
    schemas = document["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = _PROBLEM
    schemas.update(_PARTS)
    for path, operations in document["paths"].items():
        for operation in operations.values():
            for status, meaning in _problems(path, operation).items():
                if status == "422" or status not in operation["responses"]:
                    operation["responses"][status] = _response(meaning)
    return document


def _problems(path: str, operation: dict[str, Any]) -> dict[str, str]:
    found = _ANYWHERE | _PAGES.get(path, {})
    if path not in _OPEN:
        found |= _WITH_TOKEN
    if "parameters" in operation or "requestBody" in operation:
        found |= _WITH_INPUT
    if "requestBody" in operation:
        found |= _WITH_BODY
    return found | _NAMED if "{scope}" in path else found


def _response(meaning: str) -> dict[str, Any]:
    return {"description": meaning, "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
