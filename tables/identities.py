"""`identities`: event ids seen, per source partition, one row per batch and day. Written by `agents.metering` alone.

Key: day (4 bytes, big endian) + offset of the batch's last record (8 bytes). Row: packed hashes and first offsets.
Retention: `domain.identities.RETENTION_DAYS` of event time; days leave together.
"""

from __future__ import annotations

from typing import Final

import msgspec

from domain.identities import Packed

NAME: Final = "identities"


class IdentitiesRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """New ids of one batch: see `domain.identities.Packed`."""

    version: int
    hashes: bytes
    offsets: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(IdentitiesRow).decode


def key(day: int, last_offset: int) -> bytes:
    """Return the key of the ids of one day in the batch that ends at an offset."""
    return day.to_bytes(4, "big") + last_offset.to_bytes(8, "big")


def day_of(row_key: bytes) -> int:
    """Return the day (days since 1970) of a row key."""
    return int.from_bytes(row_key[:4], "big")


def encode(packed: Packed, last_offset: int) -> bytes:
    """Serialise the ids of one day of a batch."""
    return _encode(IdentitiesRow(last_offset, packed.hashes, packed.offsets))


def decode(row_key: bytes, row: bytes) -> Packed:
    """Restore what `encode` wrote."""
    decoded = _decode(row)
    return Packed(day_of(row_key), decoded.hashes, decoded.offsets)
