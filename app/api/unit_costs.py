"""`GET /unit-costs`: what a request, a task, a GB or a thousand tokens of each feature cost, and the trend."""

from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from app.api.costs import WindowAnswer
from app.api.parameters import Windows as Asked
from app.api.problems import usable
from app.api.reading import read_costs
from app.api.security import Reader
from app.api.services import Services, Use, answer
from domain.money import quantity_to_text, to_text
from domain.queries import BEST, CostQuery, Span, parse_source
from domain.sources import METERED
from domain.unit_costs import BY, Production, UnitCost, production, unit_costs
from domain.windows import bounds

router = APIRouter(tags=["costs"])


class UnitCostAnswer(BaseModel):
    """One feature and one unit; figures are decimal strings."""

    feature: str
    unit: str = Field(description="`request`, `task`, `query`, `job`, `gb` or `1k_tokens`")
    count: str
    cost: str | None = Field(
        description="request, task, query, job: all of the feature's; gb: egress; 1k_tokens: LLM tokens; null: no price"
    )
    unit_cost: str | None = Field(description="`cost / count`, to 12 significant digits; null: no price")
    unpriced: int | None = Field(None, description="events without a price, which the cost lacks; absent for none")
    trend_percent: str | None = Field(description="against the time of the same length just before; null: unknown")


class UnitCostsAnswer(BaseModel):
    """By feature, then by unit."""

    currency: str
    window: WindowAnswer
    features: list[UnitCostAnswer]


@router.get("/unit-costs", response_model=UnitCostsAnswer, summary="Cost per unit of what features produce")
async def get_unit_costs(asked: Asked, caller: Reader, use: Use) -> Response:
    """Divide the cost of each feature by what it produced; features that produced nothing are left out."""
    now = use.clock()
    filters = caller.confined(asked.filters())
    # What was produced is metered, whoever is billed for it.
    source = METERED if asked.source == BEST else usable(parse_source(asked.source))
    query = CostQuery(asked.span(now), filters, BY, source=source)
    covered, current = await _production(use, query, now)
    _, earlier = await _production(use, query._replace(span=covered.preceding), now)
    features = [_line(each) for each in unit_costs(current, earlier)]
    return answer({"currency": use.configuration.currency, "window": bounds(*covered), "features": features})


async def _production(use: Services, query: CostQuery, now: float) -> tuple[Span, Production]:
    settled, _, fold = usable(await read_costs(use.view, use.sums, query, now))
    return settled.query.span, production(fold.result())


def _line(each: UnitCost) -> dict[str, Any]:
    return {
        "feature": each.feature,
        "unit": each.unit,
        "count": quantity_to_text(each.count),
        "cost": None if each.cost is None else to_text(each.cost),
        "unit_cost": None if each.unit_cost is None else to_text(each.unit_cost),
        "trend_percent": None if each.trend_percent is None else quantity_to_text(each.trend_percent),
        **({"unpriced": each.unpriced} if each.unpriced else {}),
    }
