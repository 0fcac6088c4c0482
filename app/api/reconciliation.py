"""`GET /reconciliation`: the metered estimate held against the bill, by provider, subject and day."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from app.api.completeness import read_billed_until
from app.api.costs import WindowAnswer, window_json
from app.api.parameters import Reconciliation as Asked
from app.api.problems import usable
from app.api.reading import kept, lines
from app.api.security import Reader
from app.api.services import Use, answer
from domain.cells import CostRow
from domain.money import add_up, quantity_to_text, to_text
from domain.queries import BILLING, plan
from domain.queries.folding import selection
from domain.reconciliation import Billed, Drift, Metered, reconcile
from domain.sources import METERED, parse
from domain.windows import DAY, Granularity, floor, to_rfc3339

router = APIRouter(tags=["costs"])


class DriftAnswer(BaseModel):
    """One subject on one day; null where it cannot be said. Money and quantities are decimal strings."""

    provider: str = Field(description="empty: metered cost of which no provider is known")
    subject: str = Field(description="a meter that [[reconciliation]] matches, or else a cost driver")
    day: datetime
    complete: bool = Field(description="whether the provider's bill is complete for the day")
    metered: str
    billed: str
    drift: str = Field(description="billed - metered")
    drift_percent: str | None
    explained: str | None = Field(description="what another price explains of the drift")
    unexplained: str
    metered_quantity: str | None
    metered_price: str | None = Field(description="metered cost by quantity: the price book's")
    implied_price: str | None = Field(description="billed cost by quantity")
    proposed_price: str | None = Field(description="a price that would have come to what was billed")
    unpriced: int
    services: list[str] = Field(description="of the bill")


class ReconciliationAnswer(BaseModel):
    """In order of days, then the farthest apart first."""

    currency: str
    window: WindowAnswer
    metered: str
    billed: str
    drift: str
    lines: list[DriftAnswer]


@router.get("/reconciliation", response_model=ReconciliationAnswer, summary="The estimate held against the bill")
async def get_reconciliation(asked: Asked, caller: Reader, use: Use) -> Response:
    """Compare metered and billed cost; edges of the time asked about are days."""
    now = use.clock()
    until = await read_billed_until(use.view)
    query = asked.query(now)._replace(billed_until=until, granularity=Granularity.DAY)
    query = query._replace(filters=caller.confined(query.filters))
    query = usable(await kept(use.view, query, now))
    planned = usable(plan(query))
    meets = [selection(query._replace(source=source), planned.projection) for source in (METERED, BILLING)]
    usage: list[Metered] = []
    bill: list[Billed] = []
    async for rows in lines(use.view, planned):
        usage.extend(_metered(row) for row in rows if meets[0](row))
        bill.extend(_billed(row) for row in rows if meets[1](row))
    drifts = reconcile(usage, bill, use.configuration.reconciliation)
    return answer(
        {
            "currency": use.configuration.currency,
            "window": window_json(query.span),
            "metered": to_text(add_up(each.metered for each in drifts)),
            "billed": to_text(add_up(each.billed for each in drifts)),
            "drift": to_text(add_up(each.drift for each in drifts)),
            "lines": [_as_json(each, dict(until)) for each in drifts],
        }
    )


def _metered(row: CostRow) -> Metered:
    origin = parse(row.source)
    return Metered(origin.provider, row.resource_type, _day(row), row.units, row.amount, row.unpriced)


def _billed(row: CostRow) -> Billed:
    origin = parse(row.source)
    driver, _, service = row.resource_type.partition(".")
    return Billed(origin.provider, service, "", driver, _day(row), row.amount)


def _day(row: CostRow) -> int:
    return floor(row.window.start, DAY)


def _as_json(each: Drift, until: dict[str, int]) -> dict[str, Any]:
    money = ("metered", "billed", "drift", "explained", "unexplained")
    numbers = ("drift_percent", "metered_quantity", "metered_price", "implied_price", "proposed_price")
    return {
        "provider": each.provider,
        "subject": each.subject,
        "day": to_rfc3339(each.day),
        "complete": each.day + DAY <= until.get(each.provider, 0),
        **{name: _text(getattr(each, name), to_text) for name in money},
        **{name: _text(getattr(each, name), quantity_to_text) for name in numbers},
        "unpriced": each.unpriced,
        "services": list(each.services),
    }


def _text(value: Decimal | None, write: Callable[[Decimal], str]) -> str | None:
    return None if value is None else write(value)
