"""Summing what scopes gain by every projection, each from the smallest that has its dimensions."""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from domain.cost_rows import LINES_REMEMBERED, Line
from domain.money import ZERO
from domain.projections import PROJECTIONS
from domain.scope import DIMENSIONS
from domain.windows import Granularity, Window, floor

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from decimal import Decimal


class Delta(NamedTuple):
    """What a scope gains in a window; `version` is that of the newest total in it."""

    version: int = 0
    events: int = 0
    units: Decimal = ZERO
    amount: Decimal = ZERO
    unpriced: int = 0


def total(deltas: Sequence[Delta]) -> Delta:
    """Return the sum of some, one at least."""
    if len(deltas) == 1:
        return deltas[0]
    versions, events, units, amounts, unpriced = zip(*deltas, strict=True)
    return Delta(max(versions), sum(events), sum(units, ZERO), sum(amounts, ZERO), sum(unpriced))


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


@lru_cache(maxsize=LINES_REMEMBERED)
def _narrowed(line: Line, picked: tuple[int, ...]) -> Line:
    """Return the line with some of its values; the same lines come in window after window."""
    values = line.values
    return Line(tuple([values[index] for index in picked]), line.resource_type, line.source, line.cost_unit)


def summed(gained: Iterable[tuple[Line, Delta]]) -> Lines:
    """Sum what was gained by line."""
    by_line: defaultdict[Line, list[Delta]] = defaultdict(list)
    for line, delta in gained:
        by_line[line].append(delta)
    return {line: total(deltas) for line, deltas in by_line.items()}


def by_projection(lines: Lines) -> Iterator[tuple[str, Lines]]:
    """Sum the lines of the full scope by every projection, each from the smallest that has its dimensions."""
    done: dict[str | None, Lines] = {None: lines}
    for name, base, picked in _PLAN:
        if base is None:
            done[name] = lines
        else:
            done[name] = summed([(_narrowed(line, picked), delta) for line, delta in done[base].items()])
        yield name, done[name]


def widened(windows: Mapping[Window, Projected], granularity: Granularity) -> dict[Window, Projected]:
    """Sum the projections of windows by the wider ones that hold them.

    What comes in stays as it was, and is shared where it is alone: most batches are of one minute.
    """
    within: defaultdict[Window, list[Projected]] = defaultdict(list)
    for window, projected in windows.items():
        within[Window(granularity, floor(window.start, granularity.seconds))].append(projected)
    return {wider: parts[0] if len(parts) == 1 else _merged(parts) for wider, parts in within.items()}


def _merged(parts: Sequence[Projected]) -> Projected:
    return {name: summed([item for part in parts for item in part[name].items()]) for name in parts[0]}


_PICKED: Final = {
    name: tuple(DIMENSIONS.index(dimension) for dimension in dimensions) for name, dimensions in PROJECTIONS.items()
}


@lru_cache(maxsize=200_000)
def narrow(projection: str, values: tuple[str, ...]) -> tuple[str, ...]:
    """Return those values of a full scope that a projection keeps."""
    return tuple([values[index] for index in _PICKED[projection]])
