"""Summing what scopes gain by every projection, each from the smallest that has its dimensions."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from domain.cost_rows import Line
from domain.money import ZERO
from domain.projections import PROJECTIONS
from domain.scope import DIMENSIONS
from domain.windows import Granularity, Window, floor

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
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

    def plus(self, other: Delta) -> Delta:
        """Return the sum of both, which stay as they are."""
        return Delta(
            max(other.version, self.version),
            self.events + other.events,
            self.units + other.units,
            self.amount + other.amount,
            self.unpriced + other.unpriced,
        )


Lines = dict[Line, Delta]
Projected = dict[str, Lines]


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


@lru_cache(maxsize=50_000)
def _narrowed(line: Line, picked: tuple[int, ...]) -> Line:
    """Return the line with some of its values; the same lines come in window after window."""
    values = line.values
    return Line(tuple([values[index] for index in picked]), line.resource_type, line.source, line.cost_unit)


def merge(into: Lines, lines: Lines) -> None:
    """Add lines to others. What is added stays as it was, and is shared where it is alone: most are."""
    for line, delta in lines.items():
        known = into.get(line)
        into[line] = delta if known is None else known.plus(delta)


def by_projection(lines: Lines) -> Iterator[tuple[str, Lines]]:
    """Sum the lines of the full scope by every projection, each from the smallest that has its dimensions."""
    done: dict[str | None, Lines] = {None: lines}
    for name, base, picked in _PLAN:
        if base is None:
            done[name] = lines
        else:
            projected: Lines = {}
            done[name] = projected
            for line, delta in done[base].items():
                narrow = _narrowed(line, picked)
                known = projected.get(narrow)
                projected[narrow] = delta if known is None else known.plus(delta)
        yield name, done[name]


def widened(windows: Mapping[Window, Projected], granularity: Granularity) -> dict[Window, Projected]:
    """Sum the projections of windows by the wider ones that hold them.

    What comes in stays as it was, and is shared where it is alone: most batches are of one minute.
    """
    found: dict[Window, Projected] = {}
    shared: set[Window] = set()
    for window, projected in windows.items():
        wider = Window(granularity, floor(window.start, granularity.seconds))
        known = found.get(wider)
        if known is None:
            found[wider] = projected
            shared.add(wider)
            continue
        if wider in shared:
            shared.discard(wider)
            known = found[wider] = {name: dict(lines) for name, lines in known.items()}
        for name, lines in projected.items():
            merge(known[name], lines)
    return found


_PICKED: Final = {
    name: tuple(DIMENSIONS.index(dimension) for dimension in dimensions) for name, dimensions in PROJECTIONS.items()
}


@lru_cache(maxsize=200_000)
def narrow(projection: str, values: tuple[str, ...]) -> tuple[str, ...]:
    """Return those values of a full scope that a projection keeps."""
    return tuple([values[index] for index in _PICKED[projection]])
