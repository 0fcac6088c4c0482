"""The packets of `cost-totals`: running totals from one source partition, many cells in one record.

Totals, not increments, cross the topic: a repeat overwrites the same slot with the same figure.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

import msgspec
from xxhash import xxh3_64_intdigest

from domain.anomaly.sources import Report

if TYPE_CHECKING:
    from collections.abc import Iterable

# A packet is one Kafka record, below the broker's default limit of one megabyte.
MAX_PACKET_CELLS: Final = 3_000


class Total(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Running total of one cell in one minute from one source partition; `version` its offset there."""

    minute: int
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
    report: `newest`, `ended` and `still` as `domain.anomaly.sources` has them.
    """

    source: str
    partition: int
    offset: int
    watermark: int
    totals: list[Total]
    newest: int = 0
    ended: int = 0
    still: int = 0


_encode = msgspec.msgpack.Encoder().encode
decode_packet = msgspec.msgpack.Decoder(Packet).decode


def owner_of(tenant: str, partitions: int) -> int:
    """Return the partition of `cost-totals` that owns a tenant; the same in every process and release."""
    return xxh3_64_intdigest(tenant.encode()) % partitions


def pack(
    source: str, partition: int, offset: int, watermark: int, totals: Iterable[Total], partitions: int
) -> list[tuple[int, bytes]]:
    """Return `(partition of cost-totals, packet)` records that carry the totals to their owners."""
    by_owner: dict[int, list[Total]] = {}
    owners: dict[str, int] = {}
    for total in totals:
        owner = owners.get(total.tenant)
        if owner is None:
            owner = owners[total.tenant] = owner_of(total.tenant, partitions)
        by_owner.setdefault(owner, []).append(total)
    packets: list[tuple[int, bytes]] = []
    for owner, chunk in by_owner.items():
        for at in range(0, len(chunk), MAX_PACKET_CELLS):
            some = chunk[at : at + MAX_PACKET_CELLS]
            reached = watermark if at + MAX_PACKET_CELLS >= len(chunk) else 0
            packets.append((owner, _encode(Packet(source, partition, offset, reached, some))))
    return packets


def report(source: str, partition: int, at: Report) -> bytes:
    """Return the packet that tells an owner how far a source partition is."""
    return _encode(Packet(source, partition, at.offset, at.watermark, [], at.newest, at.ended, at.still))


def reported(packet: Packet) -> Report:
    """Return what a packet tells of its source partition."""
    return Report(packet.offset, packet.watermark, packet.newest, packet.ended, packet.still)
