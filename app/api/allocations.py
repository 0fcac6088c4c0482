"""`GET /allocations`: shared cost, who bears it, by which rule and by how much usage."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from app.api.allocating import make_allocator, planned, read_charges
from app.api.costs import WindowAnswer
from app.api.parameters import Billing as Asked
from app.api.problems import usable
from app.api.questions import question
from app.api.security import TENANT, Caller, Reader
from app.api.services import Use, answer
from domain.allocation import Part, focus_columns
from domain.money import add_up, to_text
from domain.rejection import Rejected
from domain.scope import DIMENSIONS, UNATTRIBUTED
from domain.sources import parse
from domain.windows import bounds, to_rfc3339

router = APIRouter(tags=["costs"])
MAX_ROWS: Final = 50_000


class ElementAnswer(BaseModel):
    """How much usage gave which share; decimal strings."""

    AllocatedRatio: str
    UsageUnit: str
    UsageQuantity: str


class DetailsAnswer(BaseModel):
    """FOCUS's allocated method details."""

    Elements: list[ElementAnswer]


class AllocationAnswer(BaseModel):
    """What one receiver bears of the cost of a scope, a resource type and a day; names as in FOCUS."""

    id: str = Field(description="the same for the same receiver, rule, version and charge")
    ChargePeriodStart: datetime
    ChargePeriodEnd: datetime
    amount: str
    shared: str | None = Field(description="the amount that is shared; null where the caller may not see it")
    from_: dict[str, str] = Field(alias="from", description="the scope that the cost came from; empty likewise")
    scope: dict[str, str] = Field(description="the scope that bears it")
    resource_type: str
    source: str
    provider: str
    charge_category: str
    AllocatedMethodId: str = Field(description="rule@version")
    AllocatedMethodDetails: DetailsAnswer
    AllocatedResourceId: str
    AllocatedResourceName: str
    AllocatedTags: dict[str, str]
    x_rule_id: str = Field(alias="x_AllocationRuleId")
    x_rule_version: int = Field(alias="x_AllocationRuleVersion")
    x_driver: str = Field(
        alias="x_AllocationDriver", description="that of the rule, or the fallback that had a quantity"
    )


class AllocationsAnswer(BaseModel):
    """By day, then by origin, then by receiver; `total` is the sum of the amounts."""

    currency: str
    window: WindowAnswer
    total: str
    rules: int = Field(description="how many rules the configuration has, whether they shared something out or not")
    allocations: list[AllocationAnswer]


@router.get("/allocations", response_model=AllocationsAnswer, summary="Shared cost, and who bears it by which rule")
async def get_allocations(asked: Asked, caller: Reader, use: Use) -> Response:
    """Split shared cost by the rules; filters select who bears it."""
    now = use.clock()
    query, plan = usable(await planned(use.view, await question(asked, caller, use.view, now), now))
    allocator = usable(await make_allocator(use.view, use.configuration.allocation, query.span))
    parts: list[Part] = []
    for charge in await read_charges(use.view, query, plan):
        parts.extend(part for part in allocator.allocate(charge) if _meets(part, query.filters))
        if len(parts) > MAX_ROWS:
            usable(Rejected(f"window: more than {MAX_ROWS:,} allocations; shorten it, or filter"))
    return answer(
        {
            "currency": use.configuration.currency,
            "window": bounds(*query.span),
            "total": to_text(add_up(part.amount for part in parts)),
            "rules": len(use.configuration.allocation),
            "allocations": [_as_json(part, caller) for part in parts],
        }
    )


def _meets(part: Part, filters: Mapping[str, frozenset[str]]) -> bool:
    facts = part.charge._replace(scope=part.scope).facts
    return all(facts[name] in values for name, values in filters.items())


def _as_json(part: Part, caller: Caller) -> dict[str, Any]:
    origin = parse(part.charge.source)
    whole = {
        "shared": to_text(part.charge.amount),
        "from": dict(zip(DIMENSIONS, part.charge.scope, strict=True)),
        **focus_columns(part),
    }
    if part.charge.scope.tenant != UNATTRIBUTED and not caller.sees({TENANT: part.charge.scope.tenant}):
        # Another tenant's cost, of which the caller bears a part; the ratio would tell the whole.
        whole |= {"shared": None, "from": {}, "AllocatedMethodDetails": {"Elements": []}}
    return {
        "id": part.id,
        "ChargePeriodStart": to_rfc3339(part.charge.day),
        "ChargePeriodEnd": to_rfc3339(part.charge.end),
        "amount": to_text(part.amount),
        "scope": dict(zip(DIMENSIONS, part.scope, strict=True)),
        "resource_type": part.charge.resource_type,
        "source": origin.kind,
        "provider": origin.provider,
        "charge_category": origin.category,
        **whole,
    }
