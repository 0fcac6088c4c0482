"""The lines of a window, as the rollup's rows tell them: hours from what is projected, five minutes from cells.

Cells are kept by minute and price, so what five minutes tell of model and region needs no row of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from domain.anomaly.fast_state import WIDTH
from domain.anomaly.hours import HourLine
from domain.money import ZERO
from domain.rollup import FULL
from domain.sources import METERED, parse
from domain.windows import HOUR, Granularity, Window
from tables import costs as table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agents.ports import Tenure

# Lines of five minutes that are read in one go; others wait that long.
WINDOWS_AT_ONCE: Final = 2_000
_Place = tuple[tuple[str, ...], str, str]


def hours_with_cost(costs: Tenure, start: int, end: int, most: int) -> list[int]:
    """Return the first hours between two that have any cost."""
    found: list[int] = []
    hour = start
    prefix = table.projection_prefix(Granularity.HOUR, FULL)
    while hour < end and len(found) < most:
        first = next(iter(costs.scan(prefix, prefix + hour.to_bytes(4, "big"))), None)
        hour = end if first is None else table.start_of(first[0])
        if hour < end:
            found.append(hour)
        hour += HOUR
    return found


def hour_lines(costs: Tenure, hour: int) -> list[HourLine]:
    """Return the metered cost of an hour by full scope and resource type; cost units are summed up."""
    lines: dict[_Place, HourLine] = {}
    prefix = table.window_prefix(Window(Granularity.HOUR, hour), FULL)
    for key, stored in costs.scan(prefix):
        line, row = table.split_projection_key(key).line, table.decode_projection(stored)
        if parse(line.source).kind == METERED:
            more = HourLine(line.values, line.resource_type, row.events, row.units, row.amount)
            _add(lines, (line.values, line.resource_type, ""), more)
    return list(lines.values())


def windows_with_cost(costs: Tenure, start: int, end: int, most: int) -> tuple[list[tuple[int, list[HourLine]]], int]:
    """Return the first five minutes between two that have any cost, about `most` lines of them, and where to go on."""
    found: list[tuple[int, list[HourLine]]] = []
    lines: dict[_Place, HourLine] = {}
    window = count = 0
    for minute, line in _cells(costs, start, end):
        if minute >= window + WIDTH:
            if lines:
                found.append((window, list(lines.values())))
                count += len(lines)
            if count >= most:
                return found, minute - minute % WIDTH
            window, lines = minute - minute % WIDTH, {}
        _add(lines, (line.values, line.resource_type, line.variant), line)
    if lines:
        found.append((window, list(lines.values())))
    return found, end


def _cells(costs: Tenure, start: int, end: int) -> Iterator[tuple[int, HourLine]]:
    """Yield minute and line of each metered cell, in order."""
    for key, stored in costs.scan(table.CELLS, table.CELLS + start.to_bytes(4, "big")):
        minute = table.minute_of(key)
        if minute >= end:
            return
        cell, row = table.cell_of(key), table.decode_cell(stored)
        amount = row.amount
        yield (
            minute,
            HourLine(
                cell.scope, cell.resource_type, row.events, row.units, ZERO if amount is None else amount, cell.price_id
            ),
        )


def _add(lines: dict[_Place, HourLine], place: _Place, more: HourLine) -> None:
    known = lines.get(place)
    lines[place] = (
        more
        if known is None
        else HourLine(
            more.values,
            more.resource_type,
            known.events + more.events,
            known.units + more.units,
            known.amount + more.amount,
            more.variant,
        )
    )
