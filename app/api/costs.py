"""`GET /costs`: what was spent, by anything, in any stretch of time."""

from datetime import datetime
from http import HTTPStatus
from typing import Any
from weakref import WeakKeyDictionary

import orjson
from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from app.api.allocating import read_allocated_costs
from app.api.bill_lines import read_detailed_costs
from app.api.completeness import read_completeness
from app.api.parameters import Costs as Asked
from app.api.problems import Problem, usable
from app.api.reading import read_costs
from app.api.security import Reader
from app.api.services import Use, answer
from domain.money import quantity_to_text, to_text
from domain.queries import CostQuery, Costs, Group, Span
from domain.sources import METERED
from domain.windows import to_rfc3339

router = APIRouter(tags=["costs"])
_written: WeakKeyDictionary[Costs, bytes] = WeakKeyDictionary()


class WindowAnswer(BaseModel):
    """The stretch of time that was really covered; `end` is exclusive."""

    start: datetime
    end: datetime


class GroupAnswer(BaseModel):
    """One group; amounts and units are decimal strings."""

    key: dict[str, str] = Field(description="in the order of `group_by`")
    start: datetime | None = Field(None, description="start of the minute, hour or day; absent for `total`")
    amount: str
    units: str | None = Field(None, description="absent when resource types are mixed")
    events: int
    unpriced: int | None = Field(None, description="events without a price, which the amount lacks; absent for none")


class UnpricedAnswer(BaseModel):
    """Events whose price is not known: amounts lack them."""

    events: int


class MeteredAnswer(BaseModel):
    """How far usage is in the figures."""

    watermark: datetime | None = Field(description="newest event time folded; null before the first event")
    lag: int = Field(description="records that were sent and are not in the figures yet")


class BilledAnswer(BaseModel):
    """Before which instant the bills of a provider are complete: from there on, the best figure is the metered one."""

    provider: str
    complete_until: datetime


class CompletenessAnswer(BaseModel):
    """By source; `billed` is null while there is no bill."""

    metered: MeteredAnswer
    billed: list[BilledAnswer] | None
    as_of: datetime | None = Field(
        None, description="bills, and their completeness, as they were known then; metered cost is as of now"
    )


class CostsAnswer(BaseModel):
    """Groups in order of time, then dearest first."""

    currency: str
    window: WindowAnswer
    total: str
    groups: list[GroupAnswer]
    unpriced: UnpricedAnswer
    completeness: CompletenessAnswer


@router.get("/costs", response_model=CostsAnswer, summary="Cost by dimensions, driver, resource type and time")
async def get_costs(asked: Asked, caller: Reader, use: Use) -> Response:
    """Sum up cost. Several values of one filter are alternatives; different filters must all be met."""
    now = use.clock()
    query = asked.query(now)
    completeness = await read_completeness(use.view, use.topics, now)
    billed_until = tuple(sorted(completeness.billed.items()))
    query = query._replace(filters=caller.confined(query.filters), billed_until=billed_until)
    if query.as_of is not None and query.source == METERED:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "as_of: metered cost is known as of now only")
    if query.needs_details and asked.allocation == "rules":
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "allocation: rules share out cost without details, as of now")
    if query.needs_details:
        covered, costs = usable(await read_detailed_costs(use.view, query))
        completeness = completeness._replace(billed=dict(covered.billed_until), as_of=covered.as_of)
    elif asked.allocation == "rules":
        covered, costs = usable(await read_allocated_costs(use.view, use.configuration.allocation, query, now))
    else:
        covered, costs = usable(await read_costs(use.view, use.sums, query, now))
    body = {"currency": use.configuration.currency, **as_json(covered, costs), "completeness": completeness.as_json()}
    return answer(body)


def as_json(query: CostQuery, costs: Costs) -> dict[str, Any]:
    """Return window, total, groups and unpriced as the contract writes them."""
    return {
        "window": window_json(query.span),
        "total": to_text(costs.total),
        "groups": orjson.Fragment(_groups(query.group_by, costs)),
        "unpriced": {"events": costs.unpriced},
    }


def window_json(span: Span) -> dict[str, str]:
    """Return the member `window` of an answer."""
    return {"start": to_rfc3339(span.start), "end": to_rfc3339(span.end)}


def _groups(names: tuple[str, ...], costs: Costs) -> bytes:
    """Return the groups as JSON; of one answer, which has one `group_by`, they are written once."""
    written = _written.get(costs)
    if written is None:
        written = _written[costs] = orjson.dumps([_group(names, group) for group in costs.groups])
    return written


def _group(names: tuple[str, ...], group: Group) -> dict[str, Any]:
    found: dict[str, Any] = {"key": dict(zip(names, group.key, strict=True))}
    if group.start is not None:
        found["start"] = to_rfc3339(group.start)
    found["amount"] = to_text(group.amount)
    if group.units is not None:
        found["units"] = quantity_to_text(group.units)
    found["events"] = group.events
    if group.unpriced:
        found["unpriced"] = group.unpriced
    return found
