"""`meter`: running totals per cell and source partition. Written by `agents.metering` alone.

Key: window start of the minute (4 bytes, big endian) + msgpack of the cell. Row: `domain.metering.MeterRow`; its version
is the highest offset of the source partition that is folded in. One row under `POSITION` holds the highest version of
all rows: a batch that starts above it cannot have been folded before.
Retention: `RETENTION_DAYS` of event time; longer than ids are remembered, so a repeat always finds either.
"""

from __future__ import annotations

from typing import Final

import msgspec

from domain.metering import CellKey, MeterRow

NAME: Final = "meter"
POSITION: Final = b"\xff" * 5
RETENTION_DAYS: Final = 40


class Position(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Highest version of any row, and the newest event time seen (epoch seconds)."""

    version: int
    watermark: int


_encode = msgspec.msgpack.Encoder().encode
decode_row = msgspec.msgpack.Decoder(MeterRow).decode
decode_position = msgspec.msgpack.Decoder(Position).decode


def key(cell_key: CellKey) -> bytes:
    """Return the row key of a cell in a minute."""
    return cell_key.minute.to_bytes(4, "big") + _encode(cell_key.cell)


def minute_of(row_key: bytes) -> int:
    """Return the minute (epoch seconds) of a row key."""
    return int.from_bytes(row_key[:4], "big")


def encode_row(row: MeterRow | Position) -> bytes:
    """Serialise a row."""
    return _encode(row)
