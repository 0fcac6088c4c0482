"""From bytes to a valid usage event, or the reason why not. Nothing here raises on what a sender wrote.

Structured mode is CloudEvents JSON in the value; binary mode has the attributes in `ce_` headers and the data
in the value. What counts as valid is the contract: `id`, `source` and `type` are non-empty strings, `time` is
RFC 3339 with an offset, `units` is a finite number that is not negative, token counts are whole and consistent.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Context, Decimal, DecimalException, Inexact, InvalidOperation, Overflow, Subnormal
from typing import Any, Final

import msgspec

from domain.money import ZERO
from domain.pricing import disjoint
from domain.rejection import Rejected
from domain.usage import (
    ACTIVE_USERS,
    DRIVERS,
    LLM_TOKENS,
    TENANT_ACTIVITY,
    USAGE_METERED,
    ActivityEvent,
    UsageEvent,
    UsageMetered,
)
from domain.windows import DAY, FIRST_YEAR, LAST_YEAR, MINUTE

# Window starts are kept as 32-bit seconds; a time outside is a mistake of its sender's clock or format.
MAX_EXPONENT: Final = 18
# Digits beyond 34 are noise of a float printed as decimal, and would make exact sums grow without bound.
_UNITS: Final = Context(
    prec=34, Emin=-MAX_EXPONENT, Emax=MAX_EXPONENT - 1, traps=[Inexact, InvalidOperation, Overflow, Subnormal]
)
_INFINITY: Final = Decimal("Infinity")
_RESOURCE_TYPE: Final = re.compile(rf"({'|'.join(DRIVERS)})\.[a-z0-9_]{{1,64}}")
_BINARY_MODE: Final = "ce_specversion"
_ALMOST: Final = b":59.999999"
_ALMOST_A_MINUTE: Final = re.compile(r":59\.999999[5-9]")


class _Timed(msgspec.Struct):
    """An event of which the time alone is read, as it was written."""

    time: str


_decode_time = msgspec.json.Decoder(_Timed).decode
_decode_event = msgspec.json.Decoder(UsageEvent).decode
_decode_data = msgspec.json.Decoder(UsageMetered).decode
_decode_any = msgspec.json.Decoder(float_hook=Decimal).decode
_known_resource_types: set[str] = set()
_MAX_KNOWN: Final = 10_000


# Epoch seconds that a window may have.
_FIRST: Final = int(datetime(FIRST_YEAR, 1, 1, tzinfo=UTC).timestamp())
_LAST: Final = int(datetime(LAST_YEAR, 1, 1, tzinfo=UTC).timestamp())
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Headers = Sequence[tuple[str, bytes | None]]
Counts = tuple[int, ...]
Quantity = Decimal | Counts
"""What is summed and priced: units, or the disjoint token counts of an LLM call (`domain.pricing.TOKEN_CLASSES`)."""


Read = tuple[int, UsageEvent, Quantity]
"""A valid event: its time in epoch seconds, the event, and its quantity. Plain, because there are so many."""


def decode(value: bytes | None, headers: Headers = ()) -> UsageEvent | Rejected:
    """Read one record of `usage-metered`."""
    read = decode_metered(value, headers)
    return read if isinstance(read, Rejected) else read[1]


def decode_metered(value: bytes | None, headers: Headers = ()) -> Read | Rejected:
    """Read one record of `usage-metered`, with what is folded of it."""
    try:
        event = _from_headers(value, headers) if headers and _is_binary(headers) else _decode_event(value)  # type: ignore[arg-type]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, DecimalException, TypeError) as error:
        if value is None:
            return Rejected("the record has no value")
        # Tried last, for it is rare: usage must not wait for it.
        found = _as_activity(value, headers)
        if not isinstance(found, UsageEvent):
            return found or Rejected(_explain(error))
        event = found
    data = event.data
    resource_type = data.resource_type
    if resource_type not in _known_resource_types and not _learn(resource_type):
        named = resource_type[:80]
        return Rejected(f"resource_type: {named!r} is not <driver>.<meter>, driver one of {', '.join(DRIVERS)}")
    # Twice as fast as `timestamp`, and exact: no float in between.
    elapsed = event.time - _EPOCH
    time = elapsed.days * DAY + elapsed.seconds
    if not elapsed.seconds % MINUTE and not elapsed.microseconds and _is_rounded_up(value, headers):
        time -= 1
    if not _FIRST <= time < _LAST:
        return Rejected(f"time: the year {event.time.year} is not within {FIRST_YEAR} to {LAST_YEAR - 1}")
    quantity = _token_counts(data) if resource_type == LLM_TOKENS else _units(data.units)
    return quantity if isinstance(quantity, Rejected) else (time, event, quantity)


def _is_rounded_up(value: bytes | None, headers: Headers) -> bool:
    """Tell whether a time at the beginning of a minute was written as the end of the one before.

    The decoder rounds to microseconds: `23:59:59.9999999`, as some clocks write it, would belong to another month.
    """
    if headers and _is_binary(headers):
        return _ALMOST_A_MINUTE.search(_attributes(headers)["time"]) is not None
    # Other members may be times, too, whatever they are called: only the event's own counts.
    return value is not None and _ALMOST in value and _ALMOST_A_MINUTE.search(_decode_time(value).time) is not None


def _as_activity(value: bytes, headers: Headers) -> UsageEvent | Rejected | None:
    """Read how many users of a tenant were active, as usage of a meter; None when it is another kind of event."""
    try:
        raw = _decode_any(value)
        if _is_binary(headers):
            raw = {**_attributes(headers), "data": raw}
        if not isinstance(raw, dict) or raw.get("type") != TENANT_ACTIVITY:
            return None
        event = msgspec.convert(raw, ActivityEvent)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, DecimalException, TypeError) as error:
        return Rejected(f"not a tenant's activity: {error}") if isinstance(error, msgspec.ValidationError) else None
    data = event.data
    usage = UsageMetered(
        resource_type=ACTIVE_USERS,
        tenant=data.tenant,
        environment=data.environment,
        feature=data.feature,
        service=data.service,
        team=data.team,
        units=data.users,
    )
    return UsageEvent("1.0", event.id, event.source, USAGE_METERED, event.time, usage)


def _explain(error: Exception) -> str:
    if isinstance(error, msgspec.ValidationError):
        return f"not a usage event: {error}"
    if isinstance(error, DecimalException):
        return "units: has more digits or a larger exponent than a decimal number can hold"
    return f"not JSON: {error}"


def _token_counts(data: UsageMetered) -> Counts | Rejected:
    if data.usage is None:
        return Rejected(f"{LLM_TOKENS} needs usage: token counts, with attributes.provider and attributes.model")
    if data.attributes is None or not data.attributes.provider or not data.attributes.model:
        return Rejected(f"{LLM_TOKENS} needs attributes.provider and attributes.model")
    return disjoint(data.usage)


def _units(units: Decimal | None) -> Decimal | Rejected:
    try:
        # Traps what is too large, too small, too long, or no number; drops zeros that would make it long, or tiny.
        if units is not None and ZERO <= (exact := _UNITS.plus(units)) < _INFINITY:
            return exact or ZERO
    except DecimalException:
        pass
    return Rejected(_why_invalid(units))


def _why_invalid(units: Decimal | None) -> str:
    if units is None:
        return "units: missing"
    if not units.is_finite() or units < 0:
        return f"units: {units!s:.40} is not a finite number >= 0"
    if not -MAX_EXPONENT <= units.adjusted() < MAX_EXPONENT:
        return f"units: {units!s:.40} is not between 1e-{MAX_EXPONENT} and 1e{MAX_EXPONENT}"
    return "units: has more than 34 significant digits"


def _learn(resource_type: str) -> bool:
    if _RESOURCE_TYPE.fullmatch(resource_type) is None:
        return False
    if len(_known_resource_types) < _MAX_KNOWN:
        _known_resource_types.add(resource_type)
    return True


def _is_binary(headers: Headers) -> bool:
    return any(name.lower() == _BINARY_MODE for name, _ in headers)


def _from_headers(value: bytes, headers: Headers) -> UsageEvent:
    data = _decode_data(value)
    return msgspec.convert({**_attributes(headers), "data": msgspec.to_builtins(data)}, UsageEvent)


def _attributes(headers: Headers) -> dict[str, Any]:
    return {
        name.lower().removeprefix("ce_"): content.decode()
        for name, content in headers
        # Kafka's headers may be null.
        if name.lower().startswith("ce_") and content is not None
    }
