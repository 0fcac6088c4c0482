"""From bytes of `billing-deltas` to a charge or the end of an edition, or the reason why not.

`costguard import-billing` sends the rows of an edition with an `ordinal` each, in the order of the file, and closes it
with an event of its own. Anybody else may send `costguard.billing.delta` with FOCUS columns: without `x_Statement`
such a row counts at once, by itself, and once by its `source` and `id`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from domain.billing.amounts import MAX_DIGITS, MAX_PLACES, bounded
from domain.billing.editions import EDITION_CLOSED, Edition
from domain.billing.row import BILLING_DELTA, CATEGORIES, BillingRow
from domain.rejection import Rejected
from domain.scope import UNATTRIBUTED, Scope
from domain.windows import FIRST_YEAR, LAST_YEAR

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from domain.billing.tags import TagTable

_BINARY: Final = "ce_"
_NOBODY: Final = Scope(*[UNATTRIBUTED] * 5)
_NUMBERS: Final = (
    ("billed_cost", "BilledCost"),
    ("effective_cost", "EffectiveCost"),
    ("contracted_cost", "ContractedCost"),
    ("list_cost", "ListCost"),
    ("pricing_quantity", "PricingQuantity"),
    ("consumed_quantity", "ConsumedQuantity"),
)


class _Event(msgspec.Struct, gc=False):
    id: str
    source: str
    type: str
    data: msgspec.Raw
    ordinal: int | None = None


class Delta(NamedTuple):
    """A charge; `ordinal` is its place in its edition, None for one that stands for itself."""

    source: str
    id: str
    row: BillingRow
    ordinal: int | None


_decode_event = msgspec.json.Decoder(_Event).decode
_decode_row = msgspec.json.Decoder(BillingRow, strict=False).decode
_decode_edition = msgspec.json.Decoder(Edition).decode


def read(
    value: bytes | None, headers: Sequence[tuple[str, bytes | None]], table: TagTable
) -> Delta | Edition | Rejected:
    """Read one record."""
    if value is None:
        return Rejected("the record has no value")
    try:
        event = _from_headers(value, headers) or _decode_event(value)
        if not event.id or not event.source:
            return Rejected("id, source: must not be empty")
        if event.type == EDITION_CLOSED:
            return _decode_edition(event.data)
        if event.type != BILLING_DELTA:
            return Rejected(f"type: {event.type[:80]!r} is neither {BILLING_DELTA} nor {EDITION_CLOSED}")
        return _checked(event, _decode_row(event.data), table)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ArithmeticError, ValueError) as error:
        return Rejected(str(error)[:300])


def _checked(event: _Event, row: BillingRow, table: TagTable) -> Delta | Rejected:
    if row.charge_category not in CATEGORIES:
        return Rejected(f"ChargeCategory: {row.charge_category[:40]!r} is not one of {', '.join(CATEGORIES)}")
    within = _within_bounds(row)
    if isinstance(within, Rejected):
        return within
    row = within
    if row.charge_period_start.tzinfo is None or not FIRST_YEAR <= row.charge_period_start.year < LAST_YEAR:
        return Rejected("ChargePeriodStart: needs an offset, and a year from 2000 to 2099")
    ordinal = event.ordinal if row.statement else None
    if row.scope == _NOBODY and row.tags and ordinal is None:
        row = msgspec.structs.replace(row, **table.scope_of(row.tags)._asdict())
    return Delta(event.source, event.id, row, ordinal)


def _within_bounds(row: BillingRow) -> BillingRow | Rejected:
    """Return a row whose numbers can all be summed, with the same values."""
    changed: dict[str, Decimal] = {}
    for field, name in _NUMBERS:
        number: Decimal | None = getattr(row, field)
        if number is None:
            continue
        found = bounded(number)
        if found is None:
            return Rejected(
                f"{name}: not a finite number of at most {MAX_DIGITS} digits before the point, {MAX_PLACES} behind it"
                f" and {MAX_PLACES + 1} in all"
            )
        # A zero may have an exponent that no sum can hold.
        if not found.same_quantum(number):
            changed[field] = found
    return msgspec.structs.replace(row, **changed) if changed else row


def _from_headers(value: bytes, headers: Sequence[tuple[str, bytes | None]]) -> _Event | None:
    """Read binary mode; None for structured mode. A header may have no value: that is as if it were not there."""
    given = {
        name[len(_BINARY) :]: text.decode() for name, text in headers if name.startswith(_BINARY) and text is not None
    }
    if "specversion" not in given:
        return None
    ordinal = given.get("ordinal")
    return _Event(
        given.get("id", ""),
        given.get("source", ""),
        given.get("type", ""),
        msgspec.Raw(value),
        None if ordinal is None else int(ordinal),
    )
