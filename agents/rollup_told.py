"""`costguard.cost.attributed`: what is told of a cell, with what never changes about it made once."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
from msgspec.structs import astuple

from domain import cloudevents
from domain.cost_rows import LINES_REMEMBERED
from domain.sources import BILLED, parse
from domain.windows import MINUTE, to_rfc3339

if TYPE_CHECKING:
    from agents.ports import Outgoing
    from domain.cost_rows import CellRow, CostCell, CostCellKey


class _Constant(NamedTuple):
    """Of a cell: the key of its records, what its data always holds, and its part of what identifies an event."""

    record_key: bytes
    data: dict[str, Any]
    identity: str


def attributed(key: CostCellKey, row: CellRow, currency: str, now: int) -> Outgoing:
    """Return the record of a cell's running total; `now` in epoch seconds."""
    constant, amount = _constant(key.cell), row.amount
    start, end = _window(key.minute)
    data = {
        **constant.data,
        "window": {"start": start, "end": end},
        "amount": None if amount is None else format(amount, "f"),
        "currency": currency,
        "units": format(row.units, "f"),
        "events": row.events,
        "version": row.version,
    }
    if amount is None:
        data["unpriced"] = True
    event = cloudevents.envelope(
        kind=cloudevents.COST_ATTRIBUTED,
        agent="rollup",
        identifier=cloudevents.event_id(cloudevents.COST_ATTRIBUTED, key.minute, constant.identity, row.version),
        time=key.minute,
        data=data,
        recorded=now,
    )
    return constant.record_key, event, None


@lru_cache(maxsize=LINES_REMEMBERED)
def _constant(cell: CostCell) -> _Constant:
    scope, origin = cell.scope._asdict(), parse(cell.source)
    data: dict[str, Any] = {
        "scope": orjson.Fragment(orjson.dumps(scope)),
        "driver": cell.resource_type.partition(".")[0],
        "resource_type": cell.resource_type,
        "source": origin.kind,
        "price_id": cell.price_id or None,
        "cost_unit": cell.cost_unit or None,
        "allocation_keys": {},
    }
    if origin.kind == BILLED:
        data |= {"provider": origin.provider, "basis": origin.basis, "charge_category": origin.category}
    record_key = ",".join(f"{dimension}={value}" for dimension, value in scope.items()).encode()
    return _Constant(record_key, data, cloudevents.SEPARATOR.join(map(str, astuple(cell))))


@lru_cache(maxsize=4096)
def _window(minute: int) -> tuple[str, str]:
    return to_rfc3339(minute), to_rfc3339(minute + MINUTE)
