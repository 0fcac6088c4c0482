"""From bytes to a valid usage event, or the reason why not. Nothing here raises on what a sender wrote.

Structured mode is CloudEvents JSON in the value; binary mode has the attributes in `ce_` headers and the data
in the value. What counts as valid is the contract: `id`, `source` and `type` are non-empty strings, `time` is
RFC 3339 with an offset, `units` is a finite number that is not negative, token counts are whole and consistent.
"""

from __future__ import annotations

import re
from decimal import Context, Decimal, DecimalException, Inexact, InvalidOperation
from typing import TYPE_CHECKING, Final

import msgspec

from domain.pricing import disjoint
from domain.rejection import Rejected
from domain.usage import DRIVERS, LLM_TOKENS, USAGE_METERED, UsageEvent, UsageMetered

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_ID_CHARS: Final = 512
MAX_NAME_CHARS: Final = 256
# Window starts are kept as 32-bit seconds; a time outside is a mistake of its sender's clock or format.
FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2100
MAX_UNITS: Final = Decimal("1e15")
MIN_UNITS: Final = Decimal("1e-18")
# Digits beyond these are noise of a float printed as decimal, and would make exact sums grow without bound.
_UNITS_DIGITS: Final = Context(prec=34, traps=[Inexact, InvalidOperation])
_RESOURCE_TYPE: Final = re.compile(rf"({'|'.join(DRIVERS)})\.[a-z0-9_]{{1,64}}")
_BINARY_MODE: Final = "ce_specversion"

_decode_event = msgspec.json.Decoder(UsageEvent).decode
_decode_data = msgspec.json.Decoder(UsageMetered).decode
_known_resource_types: set[str] = set()
_MAX_KNOWN: Final = 10_000


def decode(value: bytes | None, headers: Sequence[tuple[str, bytes]] = ()) -> UsageEvent | Rejected:
    """Read one record of `usage-metered`."""
    if value is None:
        return Rejected("the record has no value")
    try:
        event = _from_headers(value, headers) if headers and _is_binary(headers) else _decode_event(value)
    except msgspec.ValidationError as error:
        return Rejected(f"not a usage event: {error}")
    except msgspec.DecodeError as error:
        return Rejected(f"not JSON: {error}")
    except (UnicodeDecodeError, RecursionError) as error:
        return Rejected(f"not JSON: {type(error).__name__}: {error}")
    except DecimalException:
        return Rejected("units has more digits or a larger exponent than a decimal number can hold")
    reason = invalid(event)
    return event if reason is None else Rejected(reason)


def invalid(event: UsageEvent) -> str | None:
    """Return why a decoded event cannot be used, or None."""
    if event.type != USAGE_METERED:
        return f"type: {event.type!r} is not {USAGE_METERED}"
    if event.specversion != "1.0":
        return f"specversion: {event.specversion!r} is not 1.0"
    if not 0 < len(event.id) <= MAX_ID_CHARS or not 0 < len(event.source) <= MAX_ID_CHARS:
        return f"id and source must have 1 to {MAX_ID_CHARS} characters"
    if event.time.tzinfo is None:
        return "time: names no UTC offset; write 2026-11-01T00:00:00Z"
    if not FIRST_YEAR <= event.time.year < LAST_YEAR:
        return f"time: the year {event.time.year} is not within {FIRST_YEAR} to {LAST_YEAR - 1}"
    data = event.data
    if data.resource_type not in _known_resource_types and not _learn(data.resource_type):
        return f"resource_type: {data.resource_type[:80]!r} is not <driver>.<meter>, driver one of {', '.join(DRIVERS)}"
    for name in (data.tenant, data.environment, data.feature, data.service, data.team, data.cost_unit):
        if name is not None and len(name) > MAX_NAME_CHARS:
            return f"a dimension or cost_unit is longer than {MAX_NAME_CHARS} characters"
    return _invalid_quantity(data)


def _invalid_quantity(data: UsageMetered) -> str | None:
    if data.resource_type == LLM_TOKENS:
        if data.usage is None or data.attributes is None:
            return f"{LLM_TOKENS} needs usage (token counts) and attributes.provider and attributes.model"
        if not data.attributes.provider or not data.attributes.model:
            return f"{LLM_TOKENS} needs attributes.provider and attributes.model"
        counts = disjoint(data.usage)
        return counts.reason if isinstance(counts, Rejected) else None
    units = data.units
    if units is None:
        return "units: missing"
    if not units.is_finite() or units < 0:
        return f"units: {units!s:.40} is not a finite number >= 0"
    if units and not MIN_UNITS <= units <= MAX_UNITS:
        return f"units: {units!s:.40} is not between {MIN_UNITS} and {MAX_UNITS}"
    try:
        _UNITS_DIGITS.plus(units)
    except DecimalException:
        return "units: has more than 34 significant digits"
    return None


def _learn(resource_type: str) -> bool:
    if _RESOURCE_TYPE.fullmatch(resource_type) is None:
        return False
    if len(_known_resource_types) < _MAX_KNOWN:
        _known_resource_types.add(resource_type)
    return True


def _is_binary(headers: Sequence[tuple[str, bytes]]) -> bool:
    return any(name.lower() == _BINARY_MODE for name, _ in headers)


def _from_headers(value: bytes, headers: Sequence[tuple[str, bytes]]) -> UsageEvent:
    attributes = {
        name.lower().removeprefix("ce_"): content.decode()
        for name, content in headers
        if name.lower().startswith("ce_")
    }
    data = _decode_data(value)
    return msgspec.convert({**attributes, "data": msgspec.to_builtins(data)}, UsageEvent)
