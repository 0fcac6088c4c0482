"""`costs`: the cost tables, per owner partition of `cost-totals` (by tenant). Written by `agents.rollup` alone.

One table holds all these kinds of rows, because a commit to one table is atomic: a cell and everything that is derived
from it change together or not at all. The first byte of a key tells the kind:

| kind | key after the kind | row | kept (event time) |
|---|---|---|---|
| `c` | minute, cell | `CellRow` of usage: one slot per source partition | 45 days |
| `b` | hour, cell | `CellRow` of a bill: one slot per statement | 800 days |
| `p` | granularity, projection, window start, values | `ProjectionRow` | minute 3, hour 100, day 800 days |
| `d` | budget id | `BudgetRow`: a budget to fold | until deleted |
| `s` | budget id, version, period start | `SpendRow`: this partition's part of the spend | until deleted |
| `s` | budget id, version, step start, 1 | `SpendRow` of a step (day, hour) of a period | 120 days |
| `w` | | `Watermark` | for ever |
| `u` | day, tenant | `Counted`: a sketch of the users that usage named | 45 days |
| `n` | day, tenant | how many those are | 800 days |
| `o` | | `Closing`: which hours and five minutes went to detection, and have changed since | for ever |

Window starts are epoch seconds in 4 bytes, big endian. A cell row is kept longer than the meter keeps its own, so a
total that is sent again always finds the slot that it is to overwrite.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import msgspec

from domain.anomaly.closing import Closing
from domain.cost_rows import (
    LINES_REMEMBERED,
    BudgetRow,
    CellRow,
    CostCell,
    CostCellKey,
    Line,
    ProjectionKey,
    ProjectionRow,
    SpendKey,
    SpendRow,
    Watermark,
)
from domain.projections import PROJECTIONS
from domain.sources import METERED
from domain.users import Counted
from domain.windows import DAY, Granularity, Window

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME: Final = "costs"
WATERMARK: Final = b"w"
CLOSING: Final = b"o"
BUDGETS: Final = b"d"
SPENDS: Final = b"s"
_STEP: Final = b"\1"
_STEPS_KEPT: Final = 120 * DAY
PROJECTED: Final = b"p"
CELLS: Final = b"c"
BILLED_CELLS: Final = b"b"
SKETCHES: Final = b"u"
USERS: Final = b"n"
# Seconds that rows with an instant behind their kind are kept; a bill may be restated for as long as its days are.
ROW_RETENTION: Final = {CELLS: 45 * DAY, BILLED_CELLS: 800 * DAY, SKETCHES: 45 * DAY, USERS: 800 * DAY}
RETENTION: Final = {Granularity.MINUTE: 3 * DAY, Granularity.HOUR: 100 * DAY, Granularity.DAY: 800 * DAY}

# Of a line's key: resource type, source and unit of cost.
_BEHIND_VALUES: Final = 3
_GRANULARITIES: Final = tuple(Granularity)
_PROJECTIONS: Final = tuple(PROJECTIONS)
_PROJECTION_INDEX: Final = {name: index for index, name in enumerate(_PROJECTIONS)}
_GRANULARITY_INDEX: Final = {granularity: index for index, granularity in enumerate(_GRANULARITIES)}

_encode = msgspec.msgpack.Encoder().encode
_decode_cell = msgspec.msgpack.Decoder(CostCell).decode
_decode_cell_row = msgspec.msgpack.Decoder(CellRow).decode
_decode_projection_row = msgspec.msgpack.Decoder(ProjectionRow).decode
_decode_budget_row = msgspec.msgpack.Decoder(BudgetRow).decode
_decode_spend_row = msgspec.msgpack.Decoder(SpendRow).decode
_decode_watermark = msgspec.msgpack.Decoder(Watermark).decode
_decode_names = msgspec.msgpack.Decoder(tuple[str, ...]).decode

_decode_closing = msgspec.msgpack.Decoder(Closing).decode
_decode_counted = msgspec.msgpack.Decoder(Counted).decode

Row = CellRow | ProjectionRow | BudgetRow | SpendRow | Watermark | Closing | Counted


def cell_key(key: CostCellKey) -> bytes:
    """Return the row key of a cell."""
    kind = CELLS if key.cell.source == METERED else BILLED_CELLS
    return kind + key.minute.to_bytes(4, "big") + _encode(key.cell)


def cell_of(row_key: bytes) -> CostCell:
    """Return the cell of a cell's key."""
    return _decode_cell(row_key[5:])


def projection_prefix(granularity: Granularity, projection: str) -> bytes:
    """Return what the keys of one projection at one granularity start with."""
    return PROJECTED + bytes((_GRANULARITY_INDEX[granularity], _PROJECTION_INDEX[projection]))


@lru_cache(maxsize=50_000)
def window_prefix(window: Window, projection: str) -> bytes:
    """Return what the keys of one projection in one window start with."""
    return projection_prefix(window.granularity, projection) + window.start.to_bytes(4, "big")


@lru_cache(maxsize=LINES_REMEMBERED)
def line_key(line: Line) -> bytes:
    """Return what the key of a projected cost ends with, behind `window_prefix`."""
    return _encode((*line.values, line.resource_type, line.source, line.cost_unit))


def lines_prefix(window: Window, projection: str, leading: tuple[str, ...] = ()) -> bytes:
    """Return what the keys of those lines of one projection in one window start with whose values begin so."""
    prefix = window_prefix(window, projection)
    if not leading:
        return prefix
    # An array of fewer than 16 begins with one byte, that counts all of it; then its values follow, one by one.
    count = len(PROJECTIONS[projection]) + _BEHIND_VALUES
    return prefix + _encode(("",) * count)[:1] + _encode(leading)[1:]


def split_projection_key(row_key: bytes) -> ProjectionKey:
    """Restore what `window_prefix` and `line_key` make together."""
    *values, resource_type, source, cost_unit = _decode_names(row_key[7:])
    window = Window(_GRANULARITIES[row_key[1]], int.from_bytes(row_key[3:7], "big"))
    return ProjectionKey(window, _PROJECTIONS[row_key[2]], Line(tuple(values), resource_type, source, cost_unit))


def start_of(row_key: bytes) -> int:
    """Return the window start of a projected cost's key."""
    return int.from_bytes(row_key[3:7], "big")


def users_key(kind: bytes, day: int, tenant: str) -> bytes:
    """Return the row key of the users of a tenant on a day (epoch seconds): their sketch, or their number."""
    return kind + day.to_bytes(4, "big") + tenant.encode()


def tenant_of(row_key: bytes) -> str:
    """Return the tenant of what `users_key` made; `minute_of` returns the day."""
    return row_key[5:].decode()


def minute_of(row_key: bytes) -> int:
    """Return the instant behind the kind: the minute of a cell, the day of users."""
    return int.from_bytes(row_key[1:5], "big")


def budget_key(budget_id: str) -> bytes:
    """Return the row key of a budget."""
    return BUDGETS + budget_id.encode()


def spends_of(budget_id: str, version: int | None = None) -> bytes:
    """Return what the keys of a budget's spend start with."""
    prefix = SPENDS + budget_id.encode() + b"\0"
    return prefix if version is None else prefix + version.to_bytes(4, "big")


def spend_key(key: SpendKey) -> bytes:
    """Return the row key of this partition's part of a budget's spend in one period."""
    key_of_period = spends_of(key.budget_id, key.budget_version) + key.period_start.to_bytes(4, "big")
    return key_of_period + _STEP if key.step else key_of_period


def is_expired_step(row_key: bytes, newest: int) -> bool:
    """Tell of the key of a spend row whether it is of a step that is not looked back on any more."""
    tail = row_key.index(b"\0") + 1 + 4 + 4
    return len(row_key) > tail and int.from_bytes(row_key[tail - 4 : tail], "big") < newest - _STEPS_KEPT


def encode(row: Row) -> bytes:
    """Serialise a row of any kind."""
    return _encode(row)


decode_cell = _decode_cell_row
decode_projection = _decode_projection_row
decode_budget = _decode_budget_row
decode_spend = _decode_spend_row
decode_watermark = _decode_watermark
decode_closing = _decode_closing
decode_counted = _decode_counted


def retained_prefixes() -> Iterator[tuple[bytes, int]]:
    """Yield `(prefix, seconds kept)` of every kind of projected row."""
    for granularity, kept in RETENTION.items():
        for projection in _PROJECTIONS:
            yield projection_prefix(granularity, projection), kept
