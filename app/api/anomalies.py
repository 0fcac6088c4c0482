"""`/anomalies`: costs that are odd, what they are made of, and what people say of them."""

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from http import HTTPStatus
from operator import itemgetter
from typing import Annotated, Any, Final, Literal

import orjson
from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, Field

from app.access_tokens import READ, WRITE
from app.api import bodies
from app.api.anomaly_plot import draw
from app.api.completeness import judged_until
from app.api.parameters import Anomalies
from app.api.problems import Problem, unavailable, usable
from app.api.security import TENANT, Caller, Reader, Writer
from app.api.sending import BrokerAwayError, send
from app.api.services import Services, Use, answer
from domain.anomaly import feedback
from domain.anomaly.keeping import CORRECTED
from domain.rejection import Rejected
from domain.windows import parse_instant, to_rfc3339

router = APIRouter(tags=["anomalies"])

KIND: Final = "anomalies"
SVG: Final = "image/svg+xml"
SERIES: Final = "series"
POLL_SECONDS: Final = 0.1
AnomalyId = Annotated[str, Path(max_length=64, examples=["a-5f0c..."])]


class AnomaliesAnswer(BaseModel):
    """The `data` of `costguard.anomaly.detected` events, as of now; hours before `judged_until` were looked at."""

    judged_until: str | None = Field(description="null before any hour is judged")
    anomalies: list[dict[str, Any]]


class PendingAnswer(BaseModel):
    """The feedback is kept, and not yet carried out."""

    anomaly_id: str
    feedback: Literal["pending"]


_FEEDBACK: Final = {
    "requestBody": {
        "required": True,
        "content": {
            bodies.JSON: {
                "schema": {
                    "type": "object",
                    "required": ["verdict"],
                    "properties": {"verdict": {"enum": list(feedback.VERDICTS)}},
                }
            }
        },
    }
}


@router.get("/anomalies", response_model=AnomaliesAnswer, summary="Odd costs")
async def get_anomalies(asked: Anomalies, caller: Reader, use: Use) -> Response:
    """List what was found; `since` compares with the start of the odd window.

    What late data has explained is no news: it is listed when `status` asks for it, and there by its id.
    """
    filters = caller.confined(asked.filters())
    since = usable(_since(asked.since))
    documents = map(_without_series, (await use.view.documents(KIND)).values())
    found = [
        (start, each)
        for start, each in documents
        if start >= since and _selected(each, caller, filters) and _is_asked(each, asked.status)
    ]
    found.sort(key=itemgetter(0), reverse=True)
    until = judged_until(await use.view.documents("progress"))
    judged = None if until is None else to_rfc3339(until)
    return answer({"judged_until": judged, "anomalies": [each for _, each in found]})


@router.get(
    "/anomalies/{anomaly_id}.svg",
    summary="A picture of an anomaly",
    responses={200: {"content": {SVG: {}}, "description": "Actual and expected cost by hour, with the band"}},
    response_class=Response,
)
async def get_picture(anomaly_id: AnomalyId, caller: Reader, use: Use) -> Response:
    """Draw the hours around an anomaly."""
    found = await _found(use, anomaly_id, caller, READ)
    return Response(draw(found), media_type=SVG, headers={"cache-control": "no-store"})


@router.get("/anomalies/{anomaly_id}", response_model=dict[str, Any], summary="One anomaly, explained")
async def get_anomaly(anomaly_id: AnomalyId, caller: Reader, use: Use) -> Response:
    """Return an anomaly with the hours around it."""
    return answer(await _found(use, anomaly_id, caller, READ))


@router.post(
    "/anomalies/{anomaly_id}/feedback",
    response_model=dict[str, Any],
    responses={202: {"model": PendingAnswer, "description": "Kept; not yet carried out"}},
    openapi_extra=_FEEDBACK,
    summary="Say whether it was one",
)
async def post_feedback(anomaly_id: AnomalyId, request: Request, caller: Writer, use: Use) -> Response:
    """Take `yes`, `no` or `planned`; the thresholds of the scope change with it. 200 once it is carried out."""
    await _found(use, anomaly_id, caller, WRITE)
    body = await bodies.read_object(request)
    said = usable(feedback.parse(orjson.dumps({"feedback": anomaly_id, "verdict": body.get("verdict")})))
    try:
        await send(use, use.topics.closed_hours, [(None, feedback.encode(said), 0)])
    except BrokerAwayError:
        raise unavailable("the broker does not answer, nothing is changed; try again") from None
    end = time.monotonic() + use.budget_wait
    while time.monotonic() < end:
        found = await _found(use, anomaly_id, caller, WRITE)
        if found.get("feedback") == said.verdict:
            return answer(found)
        await asyncio.sleep(POLL_SECONDS)
    return answer({"anomaly_id": anomaly_id, "feedback": "pending"}, HTTPStatus.ACCEPTED)


async def _found(use: Services, anomaly_id: str, caller: Caller, right: str) -> dict[str, Any]:
    """Return an anomaly; one that is not the caller's to see does not exist for them."""
    document = await use.view.document(KIND, anomaly_id)
    found: dict[str, Any] | None = None if document is None else orjson.loads(document)
    if found is None or not caller.sees(found["scope"]):
        raise Problem(HTTPStatus.NOT_FOUND, f"there is no anomaly {anomaly_id}")
    caller.require(right, found["scope"].get(TENANT))
    return found


# Most are over, and do not change any more.
@lru_cache(maxsize=2_048)
def _without_series(document: bytes) -> tuple[datetime, Mapping[str, Any]]:
    """Return when the odd window of an anomaly starts, and the anomaly without its hours, as lists have it."""
    anomaly = orjson.loads(document)
    anomaly.pop(SERIES, None)
    return _start(anomaly), anomaly


def _selected(anomaly: Mapping[str, Any], caller: Caller, filters: Mapping[str, frozenset[str]]) -> bool:
    scope = anomaly.get("scope", {})
    return caller.sees(scope) and all(scope.get(dimension) in values for dimension, values in filters.items())


def _is_asked(anomaly: Mapping[str, Any], status: str | None) -> bool:
    is_corrected = (anomaly.get("closed") or {}).get("reason") == CORRECTED
    if status is None:
        return not is_corrected
    return status == "any" or status == (CORRECTED if is_corrected else anomaly["status"])


def _since(text: str | None) -> datetime | Rejected:
    try:
        return datetime.min.replace(tzinfo=UTC) if text is None else parse_instant(text.replace(" ", "+"))
    except (ValueError, OverflowError) as error:
        return Rejected(f"since: {error}")


def _start(anomaly: Mapping[str, Any]) -> datetime:
    start = anomaly.get("window", {}).get("start")
    return datetime.max.replace(tzinfo=UTC) if start is None else parse_instant(start)
