"""Closed windows on their way from the rollup to detection: exact cost by full scope and resource type.

An owner partition of cost sends an hour, and before it its five minutes, once no more is expected for them, and again,
whole, when something came late. A message is one part of a window; a mark says up to where all were sent. Lines of
five minutes tell prices apart, whose names tell the model or the region; those of an hour do not.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

import msgspec

from domain.money import ZERO, add
from domain.projecting import narrow
from domain.projections import PROJECTIONS
from domain.windows import HOUR

if TYPE_CHECKING:
    from collections.abc import Iterable

LINES_A_PART: Final = 2_000


class HourLine(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one full scope spent on one resource type in a window; at which price (`variant`) in five minutes."""

    values: tuple[str, ...]
    resource_type: str
    events: int
    units: Decimal
    amount: Decimal
    variant: str = ""


class HourPart(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One part of a window of a partition; `hour` is its first second, `width` an hour or five minutes.

    A part without lines (`parts` 0) is a mark: all hours before `closed`, all five minutes before `fine` are closed.
    """

    partition: int
    closed: int
    hour: int
    part: int
    parts: int
    lines: list[HourLine]
    width: int = HOUR
    fine: int = 0


encode_part = msgspec.msgpack.Encoder().encode
decode_part = msgspec.msgpack.Decoder(HourPart).decode


def split(partition: int, closed: int, start: int, lines: list[HourLine], width: int = HOUR) -> list[bytes]:
    """Return the messages that carry a window; one even when it has no lines."""
    chunks = [lines[at : at + LINES_A_PART] for at in range(0, len(lines), LINES_A_PART)] or [[]]
    return [
        encode_part(HourPart(partition, closed, start, i, len(chunks), chunk, width)) for i, chunk in enumerate(chunks)
    ]


def mark(partition: int, closed: int, fine: int = 0) -> bytes:
    """Return the message that says how far a partition is."""
    return encode_part(HourPart(partition, closed, 0, 0, 0, [], HOUR, fine))


class Part:
    """What a scope spent on one resource type."""

    __slots__ = ("amount", "events", "units")

    def __init__(self) -> None:
        self.amount = ZERO
        self.units = ZERO
        self.events = 0

    def add(self, line: HourLine) -> None:
        """Sum up, exactly."""
        self.amount = add(self.amount, line.amount)
        self.units = add(self.units, line.units)
        self.events += line.events


ScopeKey = tuple[str, tuple[str, ...], str]  # projection, values, driver
Observed = dict[str, Part]  # by resource type


def observe(lines: Iterable[HourLine]) -> dict[ScopeKey, Observed]:
    """Sum an hour by every projection and driver."""
    found: dict[ScopeKey, Observed] = {}
    for line in lines:
        driver = line.resource_type.partition(".")[0]
        for projection in PROJECTIONS:
            key = (projection, narrow(projection, line.values), driver)
            parts = found.get(key)
            if parts is None:
                parts = found[key] = {}
            part = parts.get(line.resource_type)
            if part is None:
                part = parts[line.resource_type] = Part()
            part.add(line)
    return found
