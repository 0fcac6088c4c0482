"""From bytes of `billing-deltas` to a charge or the end of an edition, or the reason why not.

`costguard import-billing` sends the rows of an edition with an `ordinal` each, in the order of the file, then what its
dearest resources come to (`domain.billing.resources`), and closes it with an event of its own. Anybody else may send
`costguard.billing.delta` with FOCUS columns: without `x_Statement` such a row counts at once, by itself, and once by
its `source` and `id`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
from xxhash import xxh3_64_hexdigest

from domain.billing.amounts import MAX_DIGITS, MAX_PLACES, bounded
from domain.billing.editions import EDITION_CLOSED, Edition
from domain.billing.resources import RESOURCES_TOLD, DearResources, ResourcesOfDay, charge_of
from domain.billing.row import BILLING_DELTA, CATEGORIES, BillingRow
from domain.rejection import Rejected
from domain.scope import DIMENSIONS, UNATTRIBUTED, Scope
from domain.usage import MAX_ID_CHARS, MAX_NAME_CHARS
from domain.windows import FIRST_YEAR, LAST_YEAR

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from domain.billing.tags import TagTable

_BINARY: Final = "ce_"
# A shorter record has no name that is too long to be a key.
_SHORT_BYTES: Final = 4_096
_NAMES: Final = (
    *DIMENSIONS,
    "billing_currency", "charge_category", "charge_kind", "service_name", "service_category", "provider_name",
    "publisher_name", "sub_account_id", "billing_account_id", "sku_id", "region_id", "pricing_unit", "consumed_unit",
)  # fmt: skip
_TYPES: Final = f"{BILLING_DELTA}, {RESOURCES_TOLD} and {EDITION_CLOSED}"
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
_decode_resources = msgspec.json.Decoder(ResourcesOfDay).decode


def read(
    value: bytes | None, headers: Sequence[tuple[str, bytes | None]], table: TagTable
) -> Delta | Edition | DearResources | Rejected:
    """Read one record."""
    if value is None:
        return Rejected("the record has no value")
    try:
        event = _from_headers(value, headers) or _decode_event(value)
        if not event.id or not event.source:
            return Rejected("id, source: must not be empty")
        if event.type == EDITION_CLOSED:
            edition = _decode_edition(event.data)
            return _too_long(edition.statement, edition.part, edition.assembly) or edition
        if event.type == RESOURCES_TOLD:
            return _resources(_decode_resources(event.data))
        if event.type != BILLING_DELTA:
            return Rejected(f"type: {event.type[:80]!r} is none of {_TYPES}")
        row = _decode_row(event.data)
        return _checked(event, row if len(value) < _SHORT_BYTES else _with_short_names(row), table)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ArithmeticError, ValueError) as error:
        return Rejected(str(error)[:300])


def _resources(told: ResourcesOfDay) -> DearResources | Rejected:
    charges = []
    for cost in told.costs:
        row = _usable(_with_short_names(charge_of(cost, told.day)))
        if isinstance(row, Rejected):
            return row
        guesses = [guess._replace(owner=_short(guess.owner)) for guess in cost.guesses]
        charges.append((msgspec.structs.replace(row, resource_id=_short(cost.resource)), cost.rows, guesses))
    edition = told.statement, told.part, told.assembly
    return _too_long(*edition) or DearResources(edition, told.day, charges)


def _usable(row: BillingRow) -> BillingRow | Rejected:
    if row.charge_category not in CATEGORIES:
        return Rejected(f"ChargeCategory: {row.charge_category[:40]!r} is not one of {', '.join(CATEGORIES)}")
    if row.charge_period_start.tzinfo is None or not FIRST_YEAR <= row.charge_period_start.year < LAST_YEAR:
        return Rejected("ChargePeriodStart: needs an offset, and a year from 2000 to 2099")
    return _within_bounds(row)


def _checked(event: _Event, row: BillingRow, table: TagTable) -> Delta | Rejected:
    usable = _usable(row)
    if isinstance(usable, Rejected):
        return usable
    row = usable
    if too_long := _too_long(row.statement, row.part, row.assembly):
        return too_long
    ordinal = event.ordinal if row.statement else None
    if row.scope == _NOBODY and row.tags and ordinal is None:
        found = table.scope_of(row.tags)
        row = msgspec.structs.replace(row, **{name: _short(value) for name, value in found._asdict().items()})
    return Delta(event.source, event.id, row, ordinal)


def _too_long(*names: str) -> Rejected | None:
    if max(map(len, names)) <= MAX_ID_CHARS:
        return None
    return Rejected(f"statement, part, assembly: longer than {MAX_ID_CHARS} characters")


def _with_short_names(row: BillingRow) -> BillingRow:
    """Return a row whose names may be keys: a key that no record holds would stop everybody's cost.

    A long one is cut, and ends in its digest: money is not refused for a name, and different names stay different.
    """
    given = {name: getattr(row, name) for name in _NAMES}
    long = {name: _short(value) for name, value in given.items() if value is not None and len(value) > MAX_NAME_CHARS}
    return msgspec.structs.replace(row, **long) if long else row


def _short(name: str) -> str:
    if len(name) <= MAX_NAME_CHARS:
        return name
    digest = xxh3_64_hexdigest(name.encode("utf-8", "surrogatepass"))
    return f"{name[: MAX_NAME_CHARS - len(digest) - 1]}~{digest}"


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
