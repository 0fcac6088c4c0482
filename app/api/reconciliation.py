"""`GET /reconciliation`: the metered estimate held against the bill, by provider, subject and day."""

from datetime import datetime

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from app.api.bill_lines import bill_lines, by_days, read_known
from app.api.costs import WindowAnswer
from app.api.parameters import Reconciliation as Asked
from app.api.problems import usable
from app.api.questions import question
from app.api.reading import lines
from app.api.security import Reader
from app.api.services import Use, answer
from app.reconciled import as_json
from domain.cells import CostRow, Detail
from domain.queries import BILLING, plan
from domain.queries.folding import selection
from domain.reconciliation import Billed, Metered, reconcile
from domain.sources import METERED, parse
from domain.windows import DAY, Granularity, floor

router = APIRouter(tags=["costs"])


class SkuAnswer(BaseModel):
    """A SKU on a bill; `price` is amount by quantity, null where the bill tells no quantity."""

    service: str
    sku: str
    unit: str
    amount: str
    quantity: str | None
    price: str | None


class DriftAnswer(BaseModel):
    """One subject on one day; null where it cannot be said. Money and quantities are decimal strings."""

    provider: str = Field(description="empty: metered cost of which no provider is known")
    subject: str = Field(description="a meter that [[reconciliation]] matches, or else a cost driver")
    day: datetime
    complete: bool = Field(description="whether the provider's bill is complete for the day")
    metered: str | None = Field(description="null: usage without a price; the bill is all drift then")
    billed: str
    drift: str = Field(description="billed - metered")
    drift_percent: str | None
    explained: str | None = Field(description="what another price explains of the drift")
    unexplained: str
    metered_quantity: str | None
    billed_quantity: str | None = Field(
        description="in units of the meter; null unless each line of the bill tells one"
    )
    metered_price: str | None = Field(description="metered cost by quantity: the price book's; null: none, or no price")
    implied_price: str | None = Field(description="billed cost by quantity")
    proposed_price: str | None = Field(description="a price that would have come to what was billed")
    unpriced: int
    services: list[str] = Field(description="of the bill, as `service/sku`")
    skus: list[SkuAnswer] = Field(description="what the bill says, by service, SKU and unit; dearest first")


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
    query = (await question(asked, caller, use.view, now))._replace(granularity=Granularity.DAY)
    query = by_days(query)
    planned = usable(plan(query))
    is_metered = selection(query._replace(source=METERED), planned.projection)
    is_billed = selection(query._replace(source=BILLING), "full")
    usage: list[Metered] = []
    bill: list[Billed] = []
    async for rows in lines(use.view, planned):
        usage.extend(_metered(row) for row in rows if is_metered(row))
    async for rows in bill_lines(use.view, await read_known(use.view), query):
        bill.extend(_billed(row) for row in rows if is_billed(row))
    drifts = reconcile(usage, bill, use.configuration.reconciliation)
    return answer(as_json(drifts, use.configuration.currency, query.span, dict(query.billed_until)))


def _metered(row: CostRow) -> Metered:
    origin = parse(row.source)
    return Metered(origin.provider, row.resource_type, _day(row), row.units, row.amount, row.unpriced)


def _billed(row: CostRow) -> Billed:
    origin, detail = parse(row.source), row.detail or Detail()
    driver, _, service = row.resource_type.partition(".")
    quantity = None if detail.unit is None else row.units
    return Billed(origin.provider, service, detail.sku, driver, _day(row), row.amount, quantity, detail.unit or "")


def _day(row: CostRow) -> int:
    return floor(row.window.start, DAY)
