"""Who hears about which event: subscriptions, and what identifies one delivery.

A subscription names event types and, where it wants less, a scope: `tenant=acme` hears of every event whose
scope says `tenant=acme`, and of none that says nothing about tenants. The message id is the event's own id,
so it is the same at every attempt, after every replay, for every subscriber: receivers drop repeats by it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import urlsplit

import msgspec

from domain.rejection import Rejected
from domain.scope import ScopeFilter, parse_filter
from domain.windows import parse_length

if TYPE_CHECKING:
    from collections.abc import Mapping

EVERY: Final = "*"
EVERY_SCOPE: Final = ScopeFilter()
# State (`budget-status`) and totals are not news, and a rejected delivery must not cause another delivery.
EVENT_TYPES: Final = (
    "costguard.budget.threshold-crossed",
    "costguard.flag.changed",
    "costguard.anomaly.detected",
    "costguard.anomaly.closed",
)
MAX_BODY_BYTES: Final = 256 * 1024
SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - how every secret starts, not one
# Standard Webhooks: "between 24 bytes (192 bits) and 64 bytes (512 bits)".
SECRET_BYTES: Final = range(24, 65)
_SAFE_ID: Final = re.compile(r"[A-Za-z0-9_:-]{1,200}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Subscription:
    """One `[[webhooks]]` entry. Neither URL (its path may hold a token) nor secrets appear in its repr."""

    name: str
    url: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    events: frozenset[str]
    scope: ScopeFilter = EVERY_SCOPE
    allow_private: bool = False
    max_age: int | None = None
    """Seconds; what happened longer ago is no news to this subscriber."""

    def wants(self, event: Event) -> bool:
        """Tell whether this event is to be delivered here."""
        if event.type not in EVENT_TYPES or not self.events & {event.type, EVERY}:
            return False
        return all(event.data.scope.get(name) == value for name, value in self.scope.terms)

    def is_too_old(self, event: Event, now: float) -> bool:
        """Tell whether an event happened longer ago than is to be told; `now` in epoch seconds."""
        return self.max_age is not None and event.time.timestamp() < now - self.max_age


class EventData(msgspec.Struct, frozen=True):
    """What routing reads of an event's `data`."""

    scope: dict[str, str | None] = {}


class Event(msgspec.Struct, frozen=True):
    """What routing reads of a CloudEvent; the body that is delivered is the one that came."""

    id: str
    source: str
    type: str
    time: Annotated[datetime, msgspec.Meta(tz=True)]
    data: EventData = EventData()

    @property
    def message_id(self) -> str:
        """Return the `webhook-id`: the event's id, or its hash where that would not survive a header."""
        if _SAFE_ID.fullmatch(self.id):
            return self.id
        return "evt_" + _digest(self.source, self.id).hex()


_decode: Final = msgspec.json.Decoder(Event).decode


def parse_event(value: bytes) -> Event | Rejected:
    """Read a CloudEvent in structured mode, of any type."""
    if len(value) > MAX_BODY_BYTES:
        return Rejected(f"the event has {len(value)} bytes, a webhook carries {MAX_BODY_BYTES} at most")
    try:
        value.decode()
        event = _decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Rejected(f"not a CloudEvent: {error}")
    return event if event.id and event.source else Rejected("not a CloudEvent: id or source is empty")


def delivery_identity(subscription: str, event: Event) -> bytes:
    """Return 16 bytes that name the delivery of this event (source and id) to this subscription."""
    return _digest(subscription, event.source, event.id)


def _digest(*parts: str) -> bytes:
    framed = b"".join(len(raw).to_bytes(4, "big") + raw for raw in (part.encode() for part in parts))
    return hashlib.blake2b(framed, digest_size=16).digest()


def parse_subscription(entry: Mapping[str, Any]) -> Subscription | Rejected:
    """Read one entry: name, url, secret (one, or several while rotating), events, scope, allow_private."""
    name = entry.get("name")
    if not isinstance(name, str) or not name:
        return Rejected("webhooks: every entry needs a name")
    try:
        return Subscription(
            name=name,
            url=_url(entry.get("url")),
            secrets=_secrets(entry.get("secret")),
            events=_events(entry.get("events", [EVERY])),
            scope=parse_filter(entry.get("scope", "all")),
            allow_private=_flag(entry.get("allow_private", False)),
            max_age=_age(entry.get("max_age")),
        )
    except ValueError as error:
        return Rejected(f"webhooks.{name}: {error}")


def _url(given: object) -> str:
    if not isinstance(given, str):
        raise ValueError("url is missing")  # noqa: TRY004 - a sentence for the user, see parse_subscription
    try:
        parts = urlsplit(given)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"url: {error}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("url must be http://host/... or https://host/...")
    if parts.username is not None or parts.password is not None:
        raise ValueError("url must not carry credentials; the signature tells who we are")
    if parts.fragment or not given.isprintable() or " " in given or port == 0:
        raise ValueError("url has a fragment, a blank or port 0")
    return given


def _secrets(given: object) -> tuple[str, ...]:
    secrets = [given] if isinstance(given, str) else given
    if not isinstance(secrets, list | tuple) or not secrets:
        raise ValueError("secret is missing (whsec_ and 24 to 64 bytes in base64)")
    return tuple(_secret(each) for each in secrets)


def _secret(given: object) -> str:
    problem = "a secret must be whsec_ and 24 to 64 bytes in base64"
    if not isinstance(given, str) or not given.startswith(SECRET_PREFIX):
        raise ValueError(problem)
    encoded = given.removeprefix(SECRET_PREFIX)
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except binascii.Error:
        raise ValueError(problem) from None
    if len(key) not in SECRET_BYTES:
        raise ValueError(f"{problem}, this one has {len(key)}")
    return given


def _events(given: object) -> frozenset[str]:
    if not isinstance(given, list | tuple) or not given:
        raise ValueError(f"events must be a list of {', '.join(EVENT_TYPES)} or {EVERY!r}")
    for each in given:
        if each not in (*EVENT_TYPES, EVERY):
            raise ValueError(f"unknown event {each!r}; there are {', '.join(EVENT_TYPES)} and {EVERY!r}")
    return frozenset(given)


def _age(given: object) -> int | None:
    if given is None:
        return None
    seconds = parse_length(given) if isinstance(given, str) else None
    if seconds is None:
        raise ValueError("max_age must be a number of m, h or d such as 7d")
    return seconds


def _flag(given: object) -> bool:
    if not isinstance(given, bool):
        raise ValueError("allow_private must be true or false")  # noqa: TRY004 - see _url
    return given
