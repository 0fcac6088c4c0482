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
from domain.usage import DRIVERS, LLM_TOKENS, UsageEvent, UsageMetered

if TYPE_CHECKING:
    from collections.abc import Sequence

# Window starts are kept as 32-bit seconds; a time outside is a mistake of its sender's clock or format.
FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2100
MAX_EXPONENT: Final = 18
# Digits beyond these are noise of a float printed as decimal, and would make exact sums grow without bound.
_UNITS_DIGITS: Final = Context(prec=34, traps=[Inexact, InvalidOperation])
_RESOURCE_TYPE: Final = re.compile(rf"({'|'.join(DRIVERS)})\.[a-z0-9_]{{1,64}}")
_BINARY_MODE: Final = "ce_specversion"

_decode_event = msgspec.json.Decoder(UsageEvent).decode
_decode_data = msgspec.json.Decoder(UsageMetered).decode
_known_resource_types: set[str] = set()
_MAX_KNOWN: Final = 10_000


Counts = tuple[int, ...]


def decode(value: bytes | None, headers: Sequence[tuple[str, bytes]] = ()) -> UsageEvent | Rejected:
    """Read one record of `usage-metered`."""
    counted = decode_counted(value, headers)
    return counted if isinstance(counted, Rejected) else counted[0]


def decode_counted(
    value: bytes | None, headers: Sequence[tuple[str, bytes]] = ()
) -> tuple[UsageEvent, Counts | None] | Rejected:
    """Read one record; of LLM calls also return the disjoint token counts (`domain.pricing.TOKEN_CLASSES`)."""
    try:
        event = _from_headers(value, headers) if headers and _is_binary(headers) else _decode_event(value)  # type: ignore[arg-type]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, DecimalException, TypeError) as error:
        return Rejected("the record has no value" if value is None else _explain(error))
    data = event.data
    if data.resource_type not in _known_resource_types and not _learn(data.resource_type):
        named = data.resource_type[:80]
        return Rejected(f"resource_type: {named!r} is not <driver>.<meter>, driver one of {', '.join(DRIVERS)}")
    if not FIRST_YEAR <= event.time.year < LAST_YEAR:
        return Rejected(f"time: the year {event.time.year} is not within {FIRST_YEAR} to {LAST_YEAR - 1}")
    if data.resource_type == LLM_TOKENS:
        counts = _token_counts(data)
        return counts if isinstance(counts, Rejected) else (event, counts)
    reason = _invalid_units(data.units)
    return (event, None) if reason is None else Rejected(reason)


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


def _invalid_units(units: Decimal | None) -> str | None:
    if units is None:
        return "units: missing"
    if not units.is_finite() or units < 0:
        return f"units: {units!s:.40} is not a finite number >= 0"
    if not -MAX_EXPONENT <= units.adjusted() < MAX_EXPONENT and units:
        return f"units: {units!s:.40} is not between 1e-{MAX_EXPONENT} and 1e{MAX_EXPONENT}"
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
