"""What a budget has spent: a sum of slots, one for each partition that totals a part of its cost.

A part is a running total with a version, not an increment, so parts may be repeated, and workers may come and
go, without a change of the sum.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import msgspec

from domain.money import ZERO, add
from domain.windows import Instant

if TYPE_CHECKING:
    from collections.abc import Iterable


_Number = Annotated[int, msgspec.Meta(ge=0, lt=1 << 31)]


class Spend(msgspec.Struct, frozen=True, array_like=True):
    """An item of `budget-spend`: what `partition` of `cost-totals` has of a budget's period, or of a `step` of it.

    `slot_version` is the offset there up to which the total includes everything; `at` is the newest event
    time in it (epoch seconds), `unpriced` how many of its events have no price.
    """

    budget_id: str
    version: int
    period_start: Instant
    partition: _Number
    slot_version: int
    spent: Decimal
    at: Instant
    step: bool = False
    unpriced: int = 0


class Slot(msgspec.Struct, frozen=True, array_like=True):
    """The newest total of one partition."""

    partition: int
    version: int
    spent: Decimal
    unpriced: int = 0


encode_spends = msgspec.msgpack.Encoder().encode
decode_spends = msgspec.msgpack.Decoder(list[Spend]).decode


def post(slots: tuple[Slot, ...], spend: Spend) -> tuple[Slot, ...]:
    """Overwrite the slot of a partition unless its total is newer."""
    by_partition = {slot.partition: slot for slot in slots}
    known = by_partition.get(spend.partition)
    if known is not None and known.version > spend.slot_version:
        return slots
    by_partition[spend.partition] = Slot(spend.partition, spend.slot_version, spend.spent, spend.unpriced)
    return tuple(by_partition[partition] for partition in sorted(by_partition))


def spent(slots: Iterable[Slot]) -> Decimal:
    """Sum the slots exactly."""
    total = ZERO
    for slot in slots:
        total = add(total, slot.spent)
    return total
