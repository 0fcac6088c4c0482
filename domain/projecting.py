"""Summing what scopes gain by every projection, each from the smallest that has its dimensions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from domain.money import ZERO
from domain.projections import PROJECTIONS
from domain.scope import DIMENSIONS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal


class Delta:
    """What a scope gains in a window."""

    __slots__ = ("amount", "events", "units", "unpriced", "version")

    def __init__(
        self,
        version: int = 0,
        events: int = 0,
        units: Decimal = ZERO,
        amount: Decimal = ZERO,
        unpriced: int = 0,
    ) -> None:
        self.version = version
        self.events = events
        self.units = units
        self.amount = amount
        self.unpriced = unpriced

    def add(self, other: Delta) -> None:
        """Sum up; the version is that of the newest."""
        self.version = max(self.version, other.version)
        self.events += other.events
        self.units += other.units
        self.amount += other.amount
        self.unpriced += other.unpriced

    def copy(self) -> Delta:
        """Return a sum to go on from."""
        return Delta(self.version, self.events, self.units, self.amount, self.unpriced)


# values of a projection, resource type, source, cost unit
Line = tuple[tuple[str, ...], str, str, str]
Lines = dict[Line, Delta]


def _plan() -> tuple[tuple[str, str | None, tuple[int, ...]], ...]:
    """Return `(projection, the narrowest other that it can be summed from, which of its values)`, widest first."""
    widest_first = sorted(PROJECTIONS, key=lambda name: -len(PROJECTIONS[name]))
    plan: list[tuple[str, str | None, tuple[int, ...]]] = []
    for at, name in enumerate(widest_first):
        wider = [other for other in widest_first[:at] if set(PROJECTIONS[name]) < set(PROJECTIONS[other])]
        base = min(wider, key=lambda other: len(PROJECTIONS[other]), default=None)
        source = DIMENSIONS if base is None else PROJECTIONS[base]
        plan.append((name, base, tuple(source.index(dimension) for dimension in PROJECTIONS[name])))
    return tuple(plan)


_PLAN: Final = _plan()


def merge(into: Lines, lines: Lines) -> None:
    """Add lines to others; what is added stays as it was."""
    for line, delta in lines.items():
        known = into.get(line)
        if known is None:
            into[line] = delta.copy()
        else:
            known.add(delta)


def by_projection(lines: Lines) -> Iterator[tuple[str, Lines]]:
    """Sum the lines of the full scope by every projection, each from the smallest that has its dimensions."""
    done: dict[str | None, Lines] = {None: lines}
    for name, base, picked in _PLAN:
        if base is None:
            done[name] = lines
        else:
            projected: Lines = {}
            done[name] = projected
            for (values, resource_type, source, cost_unit), delta in done[base].items():
                line = (tuple([values[index] for index in picked]), resource_type, source, cost_unit)
                known = projected.get(line)
                if known is None:
                    projected[line] = delta.copy()
                else:
                    known.add(delta)
        yield name, done[name]
