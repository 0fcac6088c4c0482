"""`GET /healthz` and `GET /readyz`: whether this process lives, and whether the system behind it works."""

import asyncio
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from app.adapters.redis_view import RedisError
from app.api import workers
from app.api.services import Services, Use, answer

router = APIRouter(tags=["operation"])
logger = logging.getLogger(__name__)

BROKER_SECONDS: Final = 3.0
OK: Final = "ok"
DOWN: Final = "down"


class WorkerAnswer(BaseModel):
    """A process that was heard of within ten seconds."""

    role: str
    ready: bool
    partitions: dict[str, list[int]] = Field(description="owned and recovered, by topic")
    lag: dict[str, int]


class ReadinessAnswer(BaseModel):
    """Whether every partition is assigned and recovered, and what is missing."""

    ready: bool
    broker: Literal["ok", "down"]
    redis: Literal["ok", "down"]
    workers: dict[str, WorkerAnswer]
    missing: dict[str, list[int]] = Field(description="partitions without a ready owner, by topic")
    lag: dict[str, int] = Field(description="records behind, by topic")


class HealthAnswer(BaseModel):
    """This process answers."""

    status: Literal["ok"]


@router.get("/healthz", response_model=HealthAnswer, summary="This process lives")
async def get_health() -> Response:
    """Answer; restart the process when it does not."""
    return answer({"status": OK})


@router.get(
    "/readyz",
    response_model=ReadinessAnswer,
    responses={503: {"model": ReadinessAnswer, "description": "Not yet; the body says what is missing"}},
    summary="The system works",
)
async def get_readiness(use: Use) -> Response:
    """Answer 200 once broker and Redis answer and every partition has an owner whose tables are recovered."""
    counts, alive = await asyncio.gather(_partitions(use), _alive(use))
    processes = alive or {}
    missing = workers.missing(processes.values(), use.topics, counts or {})
    ready = counts is not None and alive is not None and not missing
    body = {
        "ready": ready,
        "broker": OK if counts is not None else DOWN,
        "redis": OK if alive is not None else DOWN,
        "workers": {name: _shown(worker) for name, worker in processes.items()},
        "missing": missing,
        "lag": workers.lag(processes.values()),
    }
    return answer(body, HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE)


async def _partitions(use: Services) -> Mapping[str, int] | None:
    try:
        async with asyncio.timeout(BROKER_SECONDS):
            return await use.partition_counts()
    except Exception as error:  # noqa: BLE001 - whatever Kafka's client raises: the broker is away
        logger.info("the broker does not answer: %s", type(error).__name__)
        return None


async def _alive(use: Services) -> dict[str, workers.Worker] | None:
    try:
        return await workers.alive(use.view, use.clock())
    except RedisError:
        return None


def _shown(worker: workers.Worker) -> dict[str, Any]:
    return {"role": worker.role, "ready": worker.ready, "partitions": worker.partitions, "lag": worker.lag}
