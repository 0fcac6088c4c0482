"""`meter`: running totals per cell and source partition. Written by `agents.metering` alone.

Key: the minute (4 bytes, big endian) + msgpack of the cell's other fields. Row: `domain.metering.MeterRow`; its version
is the highest offset of the source partition that is folded in. One row under `POSITION` holds the highest version of
all rows: a batch that starts above it cannot have been folded before.
Retention: `domain.metering.RETENTION_DAYS` of the newest event time of any source.
"""

from __future__ import annotations

from typing import Final

import msgspec

from domain.metering import CellKey, MeterRow

NAME: Final = "meter"
POSITION: Final = b"\xff" * 5


class Position(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How far a source partition is folded.

    `version` is the highest offset of any row; up to `done` everything is folded, in between it depends on the row;
    up to `published` all totals are sent. `watermark` is the event time that most have reached, `reached` that of the
    newest (epoch seconds), `rules` a digest of the prices and owners in force: under others, a replayed event may
    belong to another cell.
    """

    version: int = -1
    watermark: int = 0
    done: int = -1
    published: int = -1
    rules: str = ""
    reached: int = 0


_encode = msgspec.msgpack.Encoder().encode
_decode_names = msgspec.msgpack.Decoder(tuple[str, str, str, str, str, str, str, str]).decode
decode_row = msgspec.msgpack.Decoder(MeterRow).decode
decode_position = msgspec.msgpack.Decoder(Position).decode


def key(cell_key: CellKey) -> bytes:
    """Return the row key of a cell in a minute."""
    return cell_key.minute.to_bytes(4, "big") + _encode(cell_key[1:])


def minute_of(row_key: bytes) -> int:
    """Return the minute (epoch seconds) of a row key."""
    return int.from_bytes(row_key[:4], "big")


def split(row_key: bytes) -> CellKey:
    """Restore what `key` wrote."""
    return CellKey(minute_of(row_key), *_decode_names(row_key[4:]))


def encode_row(row: MeterRow | Position) -> bytes:
    """Serialise a row."""
    return _encode(row)
