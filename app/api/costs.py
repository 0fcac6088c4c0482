"""`GET /costs`: what was spent, by anything, in any stretch of time."""

from collections.abc import Callable, Coroutine
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any
from weakref import WeakKeyDictionary

import orjson
from fastapi import APIRouter, Header, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field

from app.access_tokens import READ
from app.adapters.redis_view import Marks
from app.api.allocating import read_allocated_costs
from app.api.bill_lines import read_detailed_costs
from app.api.completeness import KINDS, completeness_of, read_completeness
from app.api.etags import answer_if_changed, tag_of
from app.api.known_answers import Answer, Key, Question
from app.api.parameters import Costs as Asked
from app.api.problems import Problem, usable
from app.api.reading import read_costs
from app.api.security import Caller, Reader, identified
from app.api.services import Services, Use
from domain.money import quantity_to_text, to_text
from domain.queries import CostQuery, Costs, Group
from domain.sources import METERED
from domain.windows import MINUTE, bounds, to_rfc3339

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
    rebuilding: bool = Field(
        default=False,
        description="true while a Redis that lost its memory is filled anew: figures may be too low; else not there",
    )
    moving: bool = Field(
        default=False,
        description="true while partitions have no worker: `lag` lacks what waits in them; else not there",
    )


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


class _Asked(APIRoute):
    """Answers what it knows already without reading its parameters again."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request."""
        handle = super().get_route_handler()

        async def handle_unless_known(request: Request) -> Response:
            caller = await identified(request, READ)
            known = await answered_again(request, caller)
            return await handle(request) if known is None else known

        return handle_unless_known


async def answered_again(request: Request, caller: Caller) -> Response | None:
    """Return the answer to a question that was asked in this minute, as it is now; None when it was not."""
    use: Services = request.app.state.services
    now = use.clock()
    key = _key(request, caller)
    question = use.answers.get(key, now)
    if question is None:
        return None
    return await _answer(use, key, question, request.headers.get("if-none-match"))


router = APIRouter(tags=["costs"], route_class=_Asked)


@router.get(
    "/costs",
    response_model=CostsAnswer,
    responses={304: {"description": "It is what the client has"}},
    summary="Cost by dimensions, driver, resource type and time",
)
async def get_costs(
    asked: Asked, caller: Reader, use: Use, request: Request, if_none_match: Annotated[str | None, Header()] = None
) -> Response:
    """Sum up cost. Several values of one filter are alternatives; different filters must all be met."""
    now = use.clock()
    query = asked.query(now)
    query = query._replace(filters=caller.confined(query.filters))
    if query.as_of is not None and query.source == METERED:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "as_of: metered cost is known as of now only")
    if query.needs_details and asked.allocation == "rules":
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "allocation: rules share out cost without details, as of now")
    if query.needs_details or asked.allocation == "rules":
        body = await _told(use, query, now)
        return answer_if_changed(body, tag_of(body), if_none_match)
    return await _answer(use, _key(request, caller), Question(int(now) // MINUTE, query), if_none_match)


async def _told(use: Services, query: CostQuery, now: float) -> bytes:
    """Return an answer from the details of bills, or with shared cost split by rules."""
    completeness = await read_completeness(use.view, use.topics, now)
    query = query._replace(billed_until=tuple(sorted(completeness.billed.items())))
    if query.needs_details:
        covered, costs = usable(await read_detailed_costs(use.view, query, use.bills))
        completeness = completeness._replace(billed=dict(covered.billed_until), as_of=covered.as_of)
    else:
        covered, costs = usable(await read_allocated_costs(use.view, use.configuration.allocation, query, now))
    return _with(_figures(use, covered, costs), orjson.dumps(completeness.as_json()))


async def _answer(use: Services, key: Key, question: Question, if_none_match: str | None) -> Response:
    """Answer from the sums, which the view keeps; what is known holds while it rests upon the same."""
    now, known = use.clock(), question.answer
    documents, marks = await use.view.standing(KINDS, known.settled.parts if known else ())
    completeness = completeness_of(documents, use.topics, now)
    billed_until = tuple(sorted(completeness.billed.items()))
    if known is None or known.marks != marks or known.settled.query.billed_until != billed_until:
        query = question.asked._replace(billed_until=billed_until)
        known = await _now(use, query, known, marks, now)
        use.answers.put(key, question._replace(answer=known))
    told = orjson.dumps(completeness.as_json())
    return answer_if_changed(_with(known.body, told), f"{known.tag}-{tag_of(told)}", if_none_match)


async def _now(use: Services, query: CostQuery, known: Answer | None, marks: Marks, now: float) -> Answer:
    """Add up; what is known of the same question tells for which span, unless that has changed, too."""
    settled = known.settled if known else None
    doubts = len(settled.doubts) if settled else 0
    same = settled and settled.query.billed_until == query.billed_until and settled.doubt_marks == marks[:doubts]
    if settled and same:
        fold = usable(await use.sums.fold(use.view, settled.query, settled.plan, marks[doubts:], now))
    else:
        settled, marks, fold = usable(await read_costs(use.view, use.sums, query, now))
    body = _figures(use, settled.query, fold.result())
    return Answer(settled, marks, body, tag_of(body))


def _key(request: Request, caller: Caller) -> Key:
    return Key(request.scope["query_string"], caller.tenants)


def _figures(use: Services, covered: CostQuery, costs: Costs) -> bytes:
    return orjson.dumps({"currency": use.configuration.currency, **as_json(covered, costs)})


def _with(figures: bytes, completeness: bytes) -> bytes:
    return b"".join((figures[:-1], b',"completeness":', completeness, b"}"))


def as_json(query: CostQuery, costs: Costs) -> dict[str, Any]:
    """Return window, total, groups and unpriced as the contract writes them."""
    return {
        "window": bounds(*query.span),
        "total": to_text(costs.total),
        "groups": orjson.Fragment(_groups(query.group_by, costs)),
        "unpriced": {"events": costs.unpriced},
    }


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
