"""The packets of `cost-totals`: running totals from one source partition, many cells in one record.

Totals, not increments, cross the topic: a repeat overwrites the same slot with the same figure.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

import msgspec
from xxhash import xxh3_64_intdigest

from domain.anomaly.sources import Report
from domain.users import Seen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# A packet is one Kafka record, below the broker's default limit of one megabyte.
MAX_PACKET_CELLS: Final = 3_000
MAX_PACKET_USERS: Final = 50_000


class Total(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Running total of one cell in one minute from one source partition; `version` its offset there."""

    minute: Annotated[int, msgspec.Meta(ge=0, lt=1 << 32)]
    tenant: str
    environment: str
    feature: str
    service: str
    team: str
    resource_type: str
    price_id: str
    cost_unit: str
    version: int
    first: int
    events: int
    units: Decimal
    amount: Decimal | None


class Packet(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Totals of one source partition after the batch that ends at `offset`; `watermark` is the event time reached.

    Where a batch takes several packets, only the last one to an owner has the watermark. One without totals is a
    report: `newest`, `ended` and `still` as `domain.anomaly.sources` has them. `seen` are users, in packets
    of their own.
    """

    source: str
    partition: int
    offset: int
    watermark: int
    totals: list[Total]
    newest: int = 0
    ended: int = 0
    still: int = 0
    seen: list[Seen] = []


_Told = TypeVar("_Told", Total, Seen)
_encode = msgspec.msgpack.Encoder().encode
decode_packet = msgspec.msgpack.Decoder(Packet).decode


def owner_of(tenant: str, partitions: int) -> int:
    """Return the partition of `cost-totals` that owns a tenant; the same in every process and release."""
    return xxh3_64_intdigest(tenant.encode()) % partitions


def _by_owner(told: Iterable[_Told], partitions: int) -> dict[int, list[_Told]]:
    """Sort what is told of tenants by the partition that owns them."""
    by_owner: dict[int, list[_Told]] = {}
    owners: dict[str, int] = {}
    for one in told:
        owner = owners.get(one.tenant)
        if owner is None:
            owner = owners[one.tenant] = owner_of(one.tenant, partitions)
        by_owner.setdefault(owner, []).append(one)
    return by_owner


def pack(
    source: str, partition: int, offset: int, watermark: int, totals: Iterable[Total], partitions: int
) -> list[tuple[int, bytes]]:
    """Return `(partition of cost-totals, packet)` records that carry the totals to their owners."""
    packets: list[tuple[int, bytes]] = []
    for owner, chunk in _by_owner(totals, partitions).items():
        for at in range(0, len(chunk), MAX_PACKET_CELLS):
            some = chunk[at : at + MAX_PACKET_CELLS]
            reached = watermark if at + MAX_PACKET_CELLS >= len(chunk) else 0
            packets.append((owner, _encode(Packet(source, partition, offset, reached, some))))
    return packets


def pack_seen(
    source: str, partition: int, offset: int, seen: Iterable[Seen], partitions: int
) -> list[tuple[int, bytes]]:
    """Return `(partition of cost-totals, packet)` records that tell the owners of tenants of users."""
    return [
        (owner, _encode(Packet(source, partition, offset, 0, [], seen=lot)))
        for owner, told in _by_owner(seen, partitions).items()
        for lot in _lots(told)
    ]


def _lots(told: Iterable[Seen]) -> Iterator[list[Seen]]:
    """Split what is told into parts that a packet has room for."""
    lot: list[Seen] = []
    users = 0
    for one in told:
        for at in range(0, len(one.users), MAX_PACKET_USERS):
            part = Seen(one.day, one.tenant, one.users[at : at + MAX_PACKET_USERS])
            if lot and (users + len(part.users) > MAX_PACKET_USERS or len(lot) == MAX_PACKET_CELLS):
                yield lot
                lot, users = [], 0
            lot.append(part)
            users += len(part.users)
    if lot:
        yield lot


def report(source: str, partition: int, at: Report) -> bytes:
    """Return the packet that tells an owner how far a source partition is."""
    return _encode(Packet(source, partition, at.offset, at.watermark, [], at.newest, at.ended, at.still))


def reported(packet: Packet) -> Report:
    """Return what a packet tells of its source partition."""
    return Report(packet.offset, packet.watermark, packet.newest, packet.ended, packet.still)
