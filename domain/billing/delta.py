"""From bytes of `billing-deltas` to a charge or the end of an edition, or the reason why not.

`costguard import-billing` sends the rows of an edition with an `ordinal` each, in the order of the file, and closes it
with an event of its own. Anybody else may send `costguard.billing.delta` with FOCUS columns: without `x_Statement`
such a row counts at once, by itself, and once by its `source` and `id`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from domain.billing.amounts import MAX_DIGITS, is_money
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


def read(value: bytes | None, headers: Sequence[tuple[str, bytes]], table: TagTable) -> Delta | Edition | Rejected:
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
    for name, cost in _costs(row):
        if cost is not None and not is_money(cost):
            return Rejected(f"{name}: not a finite number of at most {MAX_DIGITS} digits before the point")
    if row.charge_period_start.tzinfo is None or not FIRST_YEAR <= row.charge_period_start.year < LAST_YEAR:
        return Rejected("ChargePeriodStart: needs an offset, and a year from 2000 to 2099")
    ordinal = event.ordinal if row.statement else None
    if row.scope == _NOBODY and row.tags and ordinal is None:
        row = msgspec.structs.replace(row, **table.scope_of(row.tags)._asdict())
    return Delta(event.source, event.id, row, ordinal)


def _costs(row: BillingRow) -> list[tuple[str, Decimal | None]]:
    return [
        ("BilledCost", row.billed_cost),
        ("EffectiveCost", row.effective_cost),
        ("ContractedCost", row.contracted_cost),
        ("ListCost", row.list_cost),
    ]


def _from_headers(value: bytes, headers: Sequence[tuple[str, bytes]]) -> _Event | None:
    """Read binary mode; None for structured mode."""
    given = {name[len(_BINARY) :]: text.decode() for name, text in headers if name.startswith(_BINARY)}
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
