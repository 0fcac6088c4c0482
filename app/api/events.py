"""`POST /events`: usage in, a status per event out; one bad event harms no other."""

import hashlib
from http import HTTPStatus
from typing import Any, Final, Literal

import msgspec
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from app.access_tokens import WRITE
from app.adapters.redis_view import RedisError
from app.api import bodies, openapi
from app.api.parameters import takes_none
from app.api.problems import Problem, unavailable
from app.api.security import Caller, Writer
from app.api.sending import BrokerAwayError, send
from app.api.services import Services, Use, answer
from domain.rejection import Rejected

router = APIRouter(tags=["events"], dependencies=[Depends(takes_none)])

ACCEPTED: Final = "accepted"
DUPLICATE: Final = "duplicate"
INVALID: Final = "invalid"
ERROR: Final = "error"
REMEMBER_SECONDS: Final = 86_400
MAX_EVENT_BYTES: Final = 1024 * 1024
_NOT_SENT: Final = "not acknowledged by the broker; send it again"


class EventStatus(msgspec.Struct, omit_defaults=True):
    """What became of one event; `reason` says why not."""

    id: str | None
    status: str
    reason: str | None = None


class _Forbidden(EventStatus):
    """Of a tenant that the token is not good for."""


class EventAnswer(BaseModel):
    """What became of one event."""

    id: str | None = Field(description="null when the event has none")
    status: Literal["accepted", "duplicate", "invalid", "error"]
    reason: str | None = Field(None, description="why not; absent when accepted")


class EventsAnswer(BaseModel):
    """A status per event, in the order of the request."""

    events: list[EventAnswer]


class _Pending(msgspec.Struct):
    """An event that may be sent: its bytes, and the name under which it is remembered."""

    status: EventStatus
    raw: bytes
    name: str


class _Identified(msgspec.Struct):
    id: str | None = None


_decode_id: Final = msgspec.json.Decoder(_Identified).decode


@router.post(
    "/events",
    status_code=HTTPStatus.ACCEPTED,
    response_model=EventsAnswer,
    summary="Send usage events",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                bodies.EVENT: {"schema": openapi.USAGE_EVENT},
                bodies.BATCH: {
                    "schema": {"type": "array", "items": openapi.USAGE_EVENT, "maxItems": bodies.MAX_EVENTS}
                },
                bodies.JSON: {
                    "schema": {"anyOf": [openapi.USAGE_EVENT, {"type": "array", "items": openapi.USAGE_EVENT}]}
                },
            },
        }
    },
)
async def post_events(request: Request, caller: Writer, use: Use) -> Response:
    """Take one CloudEvent or a batch (at most 10,000 events and 8 MiB), and send what is usable on.

    Accepted means acknowledged by the broker. Repeats within a day are told; later ones are recognised when they are
    folded. When the broker is away the answer is 503, and no event is remembered: send the whole batch again.
    """
    sorted_out = [_sort_out(raw, caller, use) for raw in await bodies.read_events(request)]
    statuses = [each.status if isinstance(each, _Pending) else each for each in sorted_out]
    _require_some_allowed(statuses)
    fresh = await _fresh(use, [each for each in sorted_out if isinstance(each, _Pending)])
    try:
        records = [(_key(each.status), each.raw, None) for each in fresh]
        await send(use, use.topics.usage_metered, records)
    except BrokerAwayError:
        for each in fresh:
            each.status.status, each.status.reason = ERROR, _NOT_SENT
        raise unavailable("the broker does not answer; send it again", _body(statuses)) from None
    await _remember(use, fresh)
    return answer(_body(statuses), HTTPStatus.ACCEPTED)


def _sort_out(raw: bytes, caller: Caller, use: Services) -> _Pending | EventStatus:
    if len(raw) > MAX_EVENT_BYTES:
        return EventStatus(_id(raw), INVALID, f"an event has at most {MAX_EVENT_BYTES:,} bytes")
    event = use.validate_usage(raw)
    if isinstance(event, Rejected):
        return EventStatus(_id(raw), INVALID, event.reason)
    if not caller.may(WRITE, event.data.tenant or ""):
        return _Forbidden(event.id, INVALID, f"the token may not write events of tenant {event.data.tenant!r}")
    if caller.token is not None and not caller.token.speaks_for(event.source):
        return _Forbidden(event.id, INVALID, f"the token may not write events of source {event.source[:80]!r}")
    identity = f"{event.source}\x1f{event.id}".encode("utf-8", "surrogatepass")
    name = "event:" + hashlib.blake2b(identity, digest_size=16).hexdigest()
    return _Pending(EventStatus(event.id, ACCEPTED), raw, name)


def _require_some_allowed(statuses: list[EventStatus]) -> None:
    """Refuse a request of which nothing may be written, rather than call it accepted."""
    refused = next((each for each in statuses if isinstance(each, _Forbidden)), None)
    if refused is not None and all(each.status == INVALID for each in statuses):
        raise Problem(HTTPStatus.FORBIDDEN, str(refused.reason), extensions=_body(statuses))


async def _fresh(use: Services, pending: list[_Pending]) -> list[_Pending]:
    """Return the events that were not sent before, here or in an earlier request; mark the others."""
    first: dict[str, _Pending] = {}
    for each in pending:
        if first.setdefault(each.name, each) is not each:
            each.status.status = DUPLICATE
    names = list(first)
    try:
        seen = await use.view.exists_many(names) if names else []
    except RedisError:
        # The meter recognises repeats by itself; this only tells their sender earlier.
        return list(first.values())
    for name, known in zip(names, seen, strict=True):
        if known:
            first.pop(name).status.status = DUPLICATE
    return list(first.values())


async def _remember(use: Services, sent: list[_Pending]) -> None:
    """Remember what was acknowledged, and nothing else: what failed must stay welcome."""
    try:
        if sent:
            await use.view.remember([each.name for each in sent], REMEMBER_SECONDS)
    except RedisError:
        return


def _key(status: EventStatus) -> bytes:
    return (status.id or "").encode("utf-8", "surrogatepass")


def _id(raw: bytes) -> str | None:
    try:
        return _decode_id(raw).id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _body(statuses: list[EventStatus]) -> dict[str, Any]:
    return {"events": [msgspec.to_builtins(status) for status in statuses]}
