"""Days of bills on their way to detection: lines by account, service, SKU, region and scope.

When an edition closes, every day of its statement is sent, whole, as the editions that count now tell it. Nothing else
knows of how many parts a day has: the last message, a mark without lines, says until when the statement is complete.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
from xxhash import xxh3_64_hexdigest

from domain.anomaly.hours import HourLine, Part
from domain.projecting import narrow
from domain.projections import PROJECTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domain.anomaly.hours import Observed, ScopeKey

BILL: Final = b"b"  # what a message begins with
LINES_A_PART: Final = 2_000
ACCOUNT_SERVICE: Final = "account+service"
# Purchases and taxes come in lumps that are nobody's usage.
CATEGORIES: Final = frozenset({"usage", "credit", "adjustment"})


class BillLine(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one kind of charge cost on a day, in the reporting currency; `original` is the same as it was billed.

    `quantity` is None where the bill tells none.
    """

    values: tuple[str, ...]
    resource_type: str
    account: str
    service_name: str
    sku: str
    region: str
    unit: str
    rows: int
    quantity: Decimal | None
    amount: Decimal
    original: Decimal
    currency: str


class BillPart(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One part of a day of a statement; a mark (`parts` 0) says that all are sent, and until when it is complete."""

    provider: str
    account: str
    statement: str
    day: int
    part: int
    parts: int
    lines: list[BillLine]
    until: int = 0


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(BillPart).decode


def decode_bill(message: bytes) -> BillPart:
    """Read a message."""
    return _decode(message[len(BILL) :])


def day_parts(provider: str, account: str, statement: str, day: int, lines: list[BillLine]) -> list[bytes]:
    """Return the messages that carry a day; one even when nothing of it is left."""
    chunks = [lines[at : at + LINES_A_PART] for at in range(0, len(lines), LINES_A_PART)] or [[]]
    return [
        BILL + _encode(BillPart(provider, account, statement, day, at, len(chunks), chunk))
        for at, chunk in enumerate(chunks)
    ]


def bill_mark(provider: str, account: str, statement: str, until: int) -> bytes:
    """Return the message that says that a statement is sent."""
    return BILL + _encode(BillPart(provider, account, statement, 0, 0, 0, [], until))


class Billed(NamedTuple):
    """A day of a scope or account and service: its cost by kind of charge, and in which currencies it was billed."""

    parts: Observed
    originals: dict[str, tuple[Decimal, Decimal]]  # by currency: as billed, in the reporting currency


def kind_of(line: BillLine) -> str:
    """Return a short name for a kind of charge: states remember its usual price by it."""
    return xxh3_64_hexdigest(f"{line.resource_type}|{line.sku}|{line.region}|{line.unit}".encode())[:12]


def observe_bill(lines: Iterable[BillLine]) -> dict[ScopeKey, Billed]:
    """Sum a day by account and service, and by every projection of scopes; by driver."""
    found: dict[ScopeKey, Billed] = {}
    for line in lines:
        driver, kind = line.resource_type.partition(".")[0], kind_of(line)
        # Money stands in for a quantity that is not told: then there is volume and mix, and no price.
        units = line.amount if line.quantity is None else line.quantity
        measured = HourLine(line.values, line.resource_type, line.rows, units, line.amount)
        for key in keys_of(line, driver):
            billed = found.setdefault(key, Billed({}, {}))
            part = billed.parts.get(kind)
            if part is None:
                part = billed.parts[kind] = Part()
            part.add(measured)
            original, amount = billed.originals.get(line.currency, (Decimal(0), Decimal(0)))
            billed.originals[line.currency] = original + line.original, amount + line.amount
    return found


def keys_of(line: BillLine, driver: str) -> list[ScopeKey]:
    """Return what a line belongs to."""
    keys: list[ScopeKey] = [(ACCOUNT_SERVICE, (line.account, line.service_name), driver)]
    return keys + [(name, narrow(name, line.values), driver) for name in PROJECTIONS]
