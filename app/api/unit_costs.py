"""`GET /unit-costs`: what a request, a task, a GB or a thousand tokens of each feature cost, and the trend."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from app.api.cost_parameters import CostParameters
from app.api.costs import During, window_json
from app.api.problems import accepted
from app.api.security import Reader
from app.api.services import Services, Use, answer
from domain.money import quantity_to_text, to_text
from domain.queries import CostQuery, plan, selected
from domain.unit_costs import Produced, UnitCost, produced, unit_costs

router = APIRouter(tags=["costs"])


class UnitCostLine(BaseModel):
    """One feature and one unit; figures are decimal strings."""

    feature: str
    unit: str = Field(description="`request`, `task`, `query`, `job`, `gb` or `1k_tokens`")
    count: str
    cost: str = Field(
        description="Of a request, task, query or job: all the feature cost; of a GB: its egress; of tokens: theirs"
    )
    unit_cost: str = Field(description="`cost / count`, to 12 significant digits")
    trend_percent: str | None = Field(description="Against the stretch of the same length just before; null: unknown")


class UnitCostsAnswer(BaseModel):
    """By feature, then by unit."""

    currency: str
    window: During
    features: list[UnitCostLine]


@router.get("/unit-costs", response_model=UnitCostsAnswer, summary="Cost per unit of what features produce")
async def get_unit_costs(asked: Annotated[CostParameters, Query()], use: Use, token: Reader) -> Response:
    """Divide the cost of each feature by what it produced; features that produced nothing are left out."""
    during, filters = asked.during(use.clock()), asked.filters(token)
    now, before = (
        await _produced(use, CostQuery(during=each, filters=filters, group_by=("feature",)))
        for each in (during, during.preceding)
    )
    lines = unit_costs(now, before)
    return answer({
        "currency": use.configuration.currency,
        "window": window_json(during),
        "features": [_line(each) for each in lines],
    })  # fmt: skip


async def _produced(use: Services, query: CostQuery) -> dict[str, dict[str, Produced]]:
    planned = accepted(plan(query))
    rows = await use.view.rows(planned.projection, planned.windows)
    return produced(planned.projection, selected(query, planned.projection, rows))


def _line(each: UnitCost) -> dict[str, Any]:
    return {
        "feature": each.feature,
        "unit": each.unit,
        "count": quantity_to_text(each.count),
        "cost": to_text(each.cost),
        "unit_cost": to_text(each.unit_cost),
        "trend_percent": None if each.trend_percent is None else quantity_to_text(each.trend_percent),
    }
