"""`GET /reconciliation`: the metered estimate held against the bill, by provider, subject and day."""

from datetime import datetime

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from app.api.costs import WindowAnswer
from app.api.parameters import Reconciliation as Asked
from app.api.problems import usable
from app.api.questions import question
from app.api.reading import kept, lines
from app.api.security import Reader
from app.api.services import Use, answer
from app.reconciled import as_json
from domain.cells import CostRow
from domain.queries import BILLING, plan
from domain.queries.folding import selection
from domain.reconciliation import Billed, Metered, reconcile
from domain.sources import METERED, parse
from domain.windows import DAY, Granularity, floor

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
    billed_quantity: str | None = Field(
        description="null here: the figures hold none; `costguard reconcile FILE` has it"
    )
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
    query = (await question(asked, caller, use.view, now))._replace(granularity=Granularity.DAY)
    query = usable(await kept(use.view, query, now))
    planned = usable(plan(query))
    meets = [selection(query._replace(source=source), planned.projection) for source in (METERED, BILLING)]
    usage: list[Metered] = []
    bill: list[Billed] = []
    async for rows in lines(use.view, planned):
        usage.extend(_metered(row) for row in rows if meets[0](row))
        bill.extend(_billed(row) for row in rows if meets[1](row))
    # The view holds no SKUs: what is a meter's by its SKU is compared by cost driver.
    matches = [match for match in use.configuration.reconciliation if not match.by_sku]
    drifts = reconcile(usage, bill, matches)
    return answer(as_json(drifts, use.configuration.currency, query.span, dict(query.billed_until)))


def _metered(row: CostRow) -> Metered:
    origin = parse(row.source)
    return Metered(origin.provider, row.resource_type, _day(row), row.units, row.amount, row.unpriced)


def _billed(row: CostRow) -> Billed:
    origin = parse(row.source)
    driver, _, service = row.resource_type.partition(".")
    return Billed(origin.provider, service, "", driver, _day(row), row.amount)


def _day(row: CostRow) -> int:
    return floor(row.window.start, DAY)
