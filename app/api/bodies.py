"""Reading request bodies without trusting them: bounded in size, in number of events and in depth."""

from collections.abc import Mapping
from decimal import Decimal
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import unquote

import msgspec
import orjson
from fastapi import Request

from app.api.problems import Problem

MAX_BODY_BYTES: Final = 8 * 1024 * 1024
MAX_EVENTS: Final = 10_000
JSON: Final = "application/json"
EVENT: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
_CE: Final = "ce-"

# Msgspec gives up beyond the interpreter's recursion limit: that bounds the depth.
_decode_one: Final = msgspec.json.Decoder(msgspec.Raw).decode
_decode_many: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_object: Final = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal).decode


async def read_object(request: Request) -> dict[str, Any]:
    """Return the JSON object of a request; numbers are exact."""
    _require_type(request, (JSON,))
    try:
        return _decode_object(await _read(request))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ArithmeticError) as error:
        raise Problem(HTTPStatus.BAD_REQUEST, f"the body is not a JSON object: {_why(error)}") from None


async def read_events(request: Request) -> list[bytes]:
    """Return the events of a request as they were sent, one JSON text each; what is in them is not checked."""
    media_type = _require_type(request, (JSON, EVENT, BATCH))
    body = await _read(request)
    try:
        if f"{_CE}specversion" in request.headers:
            return [_from_binary_mode(request.headers, body)]
        if media_type == BATCH or body.lstrip()[:1] == b"[":
            return _bounded([bytes(event) for event in _decode_many(body)])
        return [bytes(_decode_one(body))]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(HTTPStatus.BAD_REQUEST, f"the body is not JSON: {_why(error)}") from None


def _bounded(events: list[bytes]) -> list[bytes]:
    if len(events) > MAX_EVENTS:
        raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a batch has at most {MAX_EVENTS:,} events")
    return events


def _from_binary_mode(headers: Mapping[str, str], body: bytes) -> bytes:
    """Put attributes (in `ce-` headers) and data together, as the HTTP binding of CloudEvents has it."""
    attributes = {name[len(_CE) :]: unquote(value) for name, value in headers.items() if name.startswith(_CE)}
    return orjson.dumps({**attributes, "datacontenttype": JSON, "data": orjson.Fragment(bytes(_decode_one(body)))})


def _require_type(request: Request, allowed: tuple[str, ...]) -> str:
    """Refuse other types: a page of another site can send forms and plain text here without asking first."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in allowed or request.headers.get("content-encoding", "identity") != "identity":
        detail = f"send {' or '.join(allowed)}, not compressed"
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail, {"accept": ", ".join(allowed)})
    return media_type


async def _read(request: Request) -> bytes:
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > MAX_BODY_BYTES:
        raise _too_large()
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise _too_large()
    return bytes(body)


def _too_large() -> Problem:
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body has at most {MAX_BODY_BYTES:,} bytes")


def _why(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)
