"""`GET /anomalies`: costs that are odd, newest first."""

from datetime import UTC, datetime
from typing import Any, Final

import orjson
from fastapi import APIRouter, Response
from pydantic import BaseModel

from app.api.parameters import Anomalies
from app.api.problems import usable
from app.api.security import Caller, Reader
from app.api.services import Use, answer
from domain.rejection import Rejected
from domain.windows import parse_instant

router = APIRouter(tags=["anomalies"])

KIND: Final = "anomalies"


class AnomaliesAnswer(BaseModel):
    """The `data` of `costguard.anomaly.detected` events."""

    anomalies: list[dict[str, Any]]


@router.get("/anomalies", response_model=AnomaliesAnswer, summary="Odd costs")
async def get_anomalies(asked: Anomalies, caller: Reader, use: Use) -> Response:
    """List what was found; `since` compares with the start of the odd window."""
    filters = caller.confined(asked.filters())
    since = usable(_since(asked.since))
    documents = [orjson.loads(document) for document in (await use.view.documents(KIND)).values()]
    found = [each for each in documents if _selected(each, caller, filters) and _start(each) >= since]
    return answer({"anomalies": sorted(found, key=_start, reverse=True)})


def _selected(anomaly: dict[str, Any], caller: Caller, filters: dict[str, frozenset[str]]) -> bool:
    scope = anomaly.get("scope", {})
    return caller.sees(scope) and all(scope.get(dimension) in values for dimension, values in filters.items())


def _since(text: str | None) -> datetime | Rejected:
    try:
        return datetime.min.replace(tzinfo=UTC) if text is None else parse_instant(text.replace(" ", "+"))
    except (ValueError, OverflowError) as error:
        return Rejected(f"since: {error}")


def _start(anomaly: dict[str, Any]) -> datetime:
    start = anomaly.get("window", {}).get("start")
    return datetime.max.replace(tzinfo=UTC) if start is None else parse_instant(start)
