"""`bills`: what has come of every bill, per partition of `billing-deltas`. Written by `agents.billing` alone.

The first byte of a key tells the kind of the row:

| kind | key after the kind | row | kept |
|---|---|---|---|
| `p` | | `Position` | for ever |
| `s` | statement | `StatementRow`: its editions, and how far each has come | 800 days after its last charge |
| `a` | number of the statement, place of the edition, hour, charge | `SumRow` | with its statement |
| `d` | statement, edition, when it came (ms; 0 in an edition), day, detail | `DetailRow` | with its statement |
| `r` | statement, edition, day | `ResourcesRow`: the dearest resources | with its statement |
| `x` | identity of a row that stands for itself | its offset, and the day it came | 800 days |

Numbers are big endian: 4 bytes for statement, hour and day, 2 for the edition, 8 for when it came. Details of rows that
stand for themselves are kept for 800 days after their day.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from domain.billing.books import StatementRow, SumKey, SumRow
from domain.billing.charges import ChargeKey
from domain.billing.details import DetailKey, DetailPlace, DetailRow
from domain.billing.resources import ResourcesPlace, ResourcesRow

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME: Final = "bills"
POSITION: Final = b"p"
STATEMENTS: Final = b"s"
SUMS: Final = b"a"
SEEN: Final = b"x"
DETAILS: Final = b"d"
RESOURCES: Final = b"r"
RETENTION_DAYS: Final = 800


class Rows(Protocol):
    """The rows of one partition: see `tables.tenure`."""

    def get(self, key: bytes) -> bytes | None:
        """Return a row, or None."""

    def scan(self, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Iterate over rows in key order."""


class Position(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Up to `published` all totals are sent; `statements` is how many numbers are given out."""

    version: int = -1
    published: int = -1
    statements: int = 0


_encode = msgspec.msgpack.Encoder().encode
_decode_position = msgspec.msgpack.Decoder(Position).decode
_decode_statement = msgspec.msgpack.Decoder(StatementRow).decode
_decode_sum = msgspec.msgpack.Decoder(SumRow).decode
_decode_seen = msgspec.msgpack.Decoder(tuple[int, int]).decode
_decode_detail = msgspec.msgpack.Decoder(DetailRow).decode
_decode_resources = msgspec.msgpack.Decoder(ResourcesRow).decode
_decode_texts = msgspec.msgpack.Decoder(tuple[str, ...]).decode
_decode_charge = msgspec.msgpack.Decoder(tuple[str, str, str, str, str, str, str]).decode


def statement_key(name: str) -> bytes:
    """Return the row key of a statement."""
    return STATEMENTS + name.encode()


def sums_of(statement: int, edition: int | None = None) -> bytes:
    """Return what the keys of the sums of a statement, or of one of its editions, start with."""
    prefix = SUMS + statement.to_bytes(4, "big")
    return prefix if edition is None else prefix + edition.to_bytes(2, "big")


def sum_key(key: SumKey) -> bytes:
    """Return the row key of a sum."""
    return sums_of(key.statement, key.edition) + charge_suffix(key.charge)


def charge_suffix(charge: ChargeKey) -> bytes:
    """Return the end of the row key of a charge's sum."""
    return charge.hour.to_bytes(4, "big") + _encode(charge[1:])


def charge_of(row_key: bytes) -> ChargeKey:
    """Return the charge of a sum's row key."""
    return ChargeKey(int.from_bytes(row_key[7:11], "big"), *_decode_charge(row_key[11:]))


def details_of(statement: int, edition: int | None = None) -> bytes:
    """Return what the keys of the details of a statement, or of one of its editions, start with."""
    prefix = DETAILS + statement.to_bytes(4, "big")
    return prefix if edition is None else prefix + edition.to_bytes(2, "big")


def detail_key(place: DetailPlace) -> bytes:
    """Return the row key of a detail."""
    head = details_of(place.statement, place.edition) + place.recorded.to_bytes(8, "big")
    return head + place.key.day.to_bytes(4, "big") + _encode(place.key[1:])


def detail_place(row_key: bytes) -> DetailPlace:
    """Restore what `detail_key` wrote."""
    statement, edition, recorded, day = (
        int.from_bytes(row_key[start:end], "big") for start, end in ((1, 5), (5, 7), (7, 15), (15, 19))
    )
    return DetailPlace(statement, edition, recorded, DetailKey(day, *_decode_texts(row_key[19:])))


def resources_of(statement: int, edition: int | None = None) -> bytes:
    """Return what the keys of the resources of a statement, or of one of its editions, start with."""
    prefix = RESOURCES + statement.to_bytes(4, "big")
    return prefix if edition is None else prefix + edition.to_bytes(2, "big")


def resources_key(place: ResourcesPlace) -> bytes:
    """Return the row key of the resources of a day."""
    return resources_of(place.statement, place.edition) + place.day.to_bytes(4, "big")


def seen_key(identity: bytes) -> bytes:
    """Return the row key of an identity."""
    return SEEN + identity


def encode(row: Position | StatementRow | SumRow | DetailRow | ResourcesRow | tuple[int, int]) -> bytes:
    """Serialise a row of any kind."""
    return _encode(row)


decode_sum = _decode_sum
decode_statement = _decode_statement
decode_seen = _decode_seen


class Bills:
    """Reads the rows of one partition; implements `domain.billing.books.Reader`."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def position(self) -> Position:
        """Return how far it is."""
        row = self._rows.get(POSITION)
        return Position() if row is None else _decode_position(row)

    def statement(self, name: str) -> StatementRow | None:
        """Return a statement."""
        row = self._rows.get(statement_key(name))
        return None if row is None else _decode_statement(row)

    def statements(self) -> int:
        """Return how many numbers of statements are given out."""
        return self.position().statements

    def all_statements(self) -> Iterator[tuple[str, StatementRow]]:
        """Iterate over all statements, by name."""
        for key, row in self._rows.scan(STATEMENTS):
            yield key[1:].decode(), _decode_statement(row)

    def sum(self, key: SumKey) -> SumRow | None:
        """Return a sum."""
        return self.sum_at(sum_key(key))

    def sum_at(self, key: bytes) -> SumRow | None:
        """Return a sum by its row key."""
        row = self._rows.get(key)
        return None if row is None else _decode_sum(row)

    def detail(self, place: DetailPlace) -> DetailRow | None:
        """Return a detail."""
        row = self._rows.get(detail_key(place))
        return None if row is None else _decode_detail(row)

    def details(self, statement: int, edition: int = 0) -> Iterator[tuple[DetailPlace, DetailRow]]:
        """Iterate over the details of an edition, by arrival and day."""
        return self._details(details_of(statement, edition))

    def details_that_came(self, statement: int, recorded: int, day: int) -> Iterator[tuple[DetailPlace, DetailRow]]:
        """Iterate over the details of a day in rows that stand for themselves and came at one instant."""
        return self._details(details_of(statement, 0) + recorded.to_bytes(8, "big") + day.to_bytes(4, "big"))

    def _details(self, prefix: bytes) -> Iterator[tuple[DetailPlace, DetailRow]]:
        for key, row in self._rows.scan(prefix):
            yield detail_place(key), _decode_detail(row)

    def resources(self, statement: int, edition: int) -> Iterator[tuple[int, bytes]]:
        """Iterate over the days of an edition (epoch seconds), each with the lines of its dearest resources."""
        for key, row in self._rows.scan(resources_of(statement, edition)):
            yield int.from_bytes(key[7:11], "big"), _decode_resources(row).lines

    def seen(self, identity: bytes) -> int | None:
        """Return the offset of the row that had an identity first."""
        row = self._rows.get(seen_key(identity))
        return None if row is None else _decode_seen(row)[0]

    def charges(self, statement: int, edition: int) -> Iterator[ChargeKey]:
        """Iterate over the charges of an edition."""
        for key, _ in self._rows.scan(sums_of(statement, edition)):
            yield charge_of(key)
