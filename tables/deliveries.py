"""What is owed to webhooks, and what has been delivered: rows of the `deliveries` table.

Partitioned like the event topics. Written by `agents.webhooks` (new rows) and `agents.webhooks_sender` (their
progress). A delivery has an identity of 16 bytes (`domain.webhooks.delivery_identity`) and one of two rows:

- `p` + identity: `Pending`, with the body; deleted when it is settled;
- `d` + identity: `Settled`, kept for 35 days so that a replayed event is recognised; longer than the topics
  keep it, which is what makes a second delivery impossible.

`e` + hour (8 bytes) + identity finds the settled rows that are old enough to forget, oldest first.
"""

from __future__ import annotations

from typing import Final

import msgspec

from domain.windows import DAY, HOUR

NAME: Final = "deliveries"
PENDING: Final = b"p"
SETTLED: Final = b"d"
EXPIRY: Final = b"e"
RETENTION: Final = 35 * DAY
_HOUR_BYTES: Final = 8

Rows = dict[bytes, bytes | None]


class Pending(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A delivery that is owed. Instants are epoch seconds, `event_time` microseconds."""

    version: int  # offset of the event
    subscription: str
    topic: str
    message_id: str
    event_time: int
    first_at: float
    due: float
    attempts: int
    body: bytes

    @property
    def order(self) -> tuple[int, int]:
        """Deliveries of one subscription and partition go out in this order."""
        return self.event_time, self.version


class Settled(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A delivery that is over: `failure` is None when it arrived."""

    version: int
    at: float
    failure: str | None = None


_encode: Final = msgspec.msgpack.Encoder().encode
decode_pending: Final = msgspec.msgpack.Decoder(Pending).decode
decode_settled: Final = msgspec.msgpack.Decoder(Settled).decode


def pending_rows(identity: bytes, pending: Pending) -> Rows:
    """Rows that remember a delivery as owed."""
    return {PENDING + identity: _encode(pending)}


def settled_rows(identity: bytes, settled: Settled) -> Rows:
    """Rows that end a delivery and remember it for `RETENTION`."""
    hour = int(settled.at) // HOUR
    return {
        PENDING + identity: None,
        SETTLED + identity: _encode(settled),
        EXPIRY + hour.to_bytes(_HOUR_BYTES, "big") + identity: _encode((settled.version,)),
    }


def forgotten_rows(expiry_key: bytes) -> Rows:
    """Rows that forget the settled delivery that this expiry key names."""
    return {expiry_key: None, SETTLED + expiry_key[1 + _HOUR_BYTES :]: None}


def is_expired(expiry_key: bytes, now: float) -> bool:
    """Tell whether the delivery of this expiry key was settled more than `RETENTION` ago."""
    hour = int.from_bytes(expiry_key[1 : 1 + _HOUR_BYTES], "big")
    return (hour + 1) * HOUR + RETENTION <= now
