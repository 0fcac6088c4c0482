"""`GET /costs`: what was spent, by anything, in any stretch of time."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from app.api.completeness import Completeness, read_completeness
from app.api.cost_parameters import CostParameters
from app.api.problems import accepted, unusable
from app.api.security import Reader
from app.api.services import Use, answer
from app.typed_toml import nearest
from domain.money import quantity_to_text, to_text
from domain.queries import GROUPINGS, Buckets, Costs, CostQuery, GroupKey, Source, Sum, plan
from domain.queries import answer as add_up
from domain.time_ranges import TimeRange
from domain.windows import to_rfc3339

router = APIRouter(tags=["costs"])


class CostsParameters(CostParameters):
    """What `GET /costs` can be asked."""

    group_by: str = Field(default="", description=f"Comma list of {', '.join(GROUPINGS)}", examples=["tenant,feature"])
    granularity: Buckets = Field(default=Buckets.TOTAL, description="How time is split")
    source: Source = Field(default=Source.BEST, description="Usage times price, the bill, or the best there is")


class During(BaseModel):
    """The stretch of time that was really covered; `end` is exclusive."""

    start: datetime
    end: datetime


class Group(BaseModel):
    """One group; amounts and units are decimal strings."""

    key: dict[str, str] = Field(description="In the order of `group_by`")
    start: datetime | None = Field(default=None, description="Start of the bucket; absent for granularity `total`")
    amount: str
    units: str | None = Field(default=None, description="Absent when resource types are mixed")
    events: int
    unpriced: int | None = Field(default=None, description="Events of the group without a price; absent when none")


class Unpriced(BaseModel):
    """Events whose price is not known: the amounts do not hold them."""

    events: int


class CostsAnswer(BaseModel):
    """Groups are ordered by amount, dearest first."""

    currency: str
    window: During
    total: str
    groups: list[Group]
    unpriced: Unpriced
    completeness: Completeness


@router.get("/costs", response_model=CostsAnswer, summary="Cost by dimensions, driver, resource type and time")
async def get_costs(asked: Annotated[CostsParameters, Query()], use: Use, token: Reader) -> Response:
    """Sum cost over a stretch of time; filters of different names must all be met."""
    now = use.clock()
    query = CostQuery(
        during=asked.during(now),
        filters=asked.filters(token),
        group_by=parse_group_by(asked.group_by),
        buckets=asked.granularity,
        source=asked.source,
    )
    planned = accepted(plan(query))
    completeness = await read_completeness(use.view, use.topics, now)
    rows = await use.view.rows(planned.projection, planned.windows)
    costs = accepted(add_up(query, planned.projection, rows))
    return answer({
        "currency": use.configuration.currency,
        **as_json(query, costs),
        "completeness": completeness,
    })  # fmt: skip


def parse_group_by(text: str) -> tuple[str, ...]:
    """Read a comma list of names; a name that is unknown or given twice ends the request."""
    names = tuple(name.strip() for name in text.split(",")) if text.strip() else ()
    for at, name in enumerate(names):
        if name not in GROUPINGS:
            raise unusable(f"group_by: {name!r} is not known{nearest(name, GROUPINGS)}")
        if name in names[:at]:
            raise unusable(f"group_by: {name} is named twice")
    return names


def as_json(query: CostQuery, costs: Costs) -> dict[str, Any]:
    """Return window, total, groups and unpriced as the contract writes them."""
    return {
        "window": window_json(query.during),
        "total": to_text(costs.total.amount),
        "groups": [_group(query.group_by, key, each) for key, each in costs.groups],
        "unpriced": {"events": costs.total.unpriced},
    }


def window_json(during: TimeRange) -> dict[str, str]:
    """Return the member `window` of an answer."""
    return {"start": to_rfc3339(during.start), "end": to_rfc3339(during.end)}


def _group(names: tuple[str, ...], key: GroupKey, each: Sum) -> dict[str, Any]:
    group: dict[str, Any] = {"key": dict(zip(names, key.values, strict=True))}
    if key.start is not None:
        group["start"] = to_rfc3339(key.start)
    group["amount"] = to_text(each.amount)
    if each.resource_type:
        group["units"] = quantity_to_text(each.units)
    group["events"] = each.events
    if each.unpriced:
        group["unpriced"] = each.unpriced
    return group
