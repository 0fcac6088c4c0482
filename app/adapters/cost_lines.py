"""How the view spells a line of cost, read one by one or many at once.

A name is the JSON array `[owner partition, values..., resource type, source, cost unit]`, a value is
`position|events|units|amount|unpriced`.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import orjson

from domain.cells import CostRow, Kind
from domain.cost_rows import LINES_REMEMBERED
from domain.projections import PROJECTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from domain.cost_rows import Line, ProjectionRow
    from domain.windows import Window


class Sheet(NamedTuple):
    """All lines of one window of a projection as they are spelled: `values` are aligned with `names`."""

    projection: str
    window: Window
    names: Sequence[bytes]
    values: Sequence[bytes]

    def kind(self, name: bytes) -> Kind:
        """Return what a line is of."""
        return _kind(name, len(PROJECTIONS[self.projection]))

    def rows(self) -> Iterator[CostRow]:
        """Iterate over the lines."""
        width = len(PROJECTIONS[self.projection])
        for name, value in zip(self.names, self.values, strict=True):
            _, events, units, amount, unpriced = value.decode().split("|")
            yield CostRow(self.window, *_kind(name, width), Decimal(amount), Decimal(units), int(events), int(unpriced))


@lru_cache(maxsize=LINES_REMEMBERED)
def name_of(owner: int, line: Line) -> bytes:
    """Spell the name of a line of an owner partition."""
    return orjson.dumps([owner, *line.values, line.resource_type, line.source, line.cost_unit])


def value_of(position: int, row: ProjectionRow) -> str:
    """Spell a row as it is at a position of its table."""
    return f"{position}|{row.events}|{row.units:f}|{row.amount:f}|{row.unpriced}"


@lru_cache(maxsize=100_000)
def _kind(name: bytes, width: int) -> Kind:
    """Take a name apart; the same ones come in window after window."""
    _, *rest = orjson.loads(name)
    return Kind(tuple(rest[:width]), rest[width], rest[width + 1], rest[width + 2])
