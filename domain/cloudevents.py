"""CloudEvents 1.0 that we emit, structured JSON: deterministic ids, exact amounts as strings."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any, Final

import orjson

from domain.windows import to_rfc3339

if TYPE_CHECKING:
    from collections.abc import Mapping

Cause = hashlib.blake2b

REJECTED: Final = "costguard.rejected"
COST_ATTRIBUTED: Final = "costguard.cost.attributed"
# Enough of a rejected value to recognise it; its size and digest tell the rest.
MAX_RAW_BYTES: Final = 64 * 1024


# Between the parts of what identifies an event.
SEPARATOR: Final = "\x1f"


def event_id(*cause: object) -> str:
    """Hash what caused an event: the same cause gives the same id after any replay (32 hex digits)."""
    return begun(*cause).hexdigest()


def begun(*cause: object) -> Cause:
    """Hash the beginning of causes that differ in their end: see `continued`."""
    text = SEPARATOR.join(str(part) for part in cause)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16)


def continued(beginning: Cause, end: str) -> str:
    """Return `event_id` of a beginning and one more part."""
    cause = beginning.copy()
    cause.update(f"{SEPARATOR}{end}".encode("utf-8", "surrogatepass"))
    return cause.hexdigest()


def envelope(
    *, kind: str, agent: str, identifier: str, time: int, data: Mapping[str, Any], recorded: int | None = None
) -> bytes:
    """Serialise an event of type `kind` from `/costguard/<agent>`; times are epoch seconds."""
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": identifier,
        "source": f"/costguard/{agent}",
        "type": kind,
        "time": to_rfc3339(time),
        "datacontenttype": "application/json",
        "data": data,
    }
    if recorded is not None:
        event["recordedtime"] = to_rfc3339(recorded)
    return orjson.dumps(event)


def rejected(
    *, agent: str, reason: str, topic: str, partition: int, offset: int, value: bytes | None, recorded: int
) -> bytes:
    """Serialise a dead letter: why, from where, and at most the first 64 KiB of what it was."""
    raw = value or b""
    data = {
        "reason": reason.encode("utf-8", "replace").decode(),
        "topic": topic,
        "partition": partition,
        "offset": offset,
        "size": len(raw),
        "sha256": hashlib.sha256(raw).hexdigest(),
        "raw": base64.b64encode(raw[:MAX_RAW_BYTES]).decode(),
        "truncated": len(raw) > MAX_RAW_BYTES,
        "null": value is None,
    }
    identifier = event_id(REJECTED, topic, partition, offset, reason)
    return envelope(kind=REJECTED, agent=agent, identifier=identifier, time=recorded, data=data, recorded=recorded)
