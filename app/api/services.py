"""What the routes work with: one value, made once, found through the request."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from fastapi import Depends, Request, Response
from prometheus_client import CollectorRegistry

from app.api.kept_sums import KeptSums
from app.api.known_answers import KnownAnswers
from app.api.ports import Clock, NewId, PartitionCounts, Publisher, ValidateUsage, View
from app.api.shelf import Shelf
from app.configuration import Configuration
from app.topics import Topics


@dataclass(frozen=True, slots=True)
class Services:
    """Dependencies of the routes; `registry` holds the series of this process.

    `sums`, `bills` (sums of their details) and `answers` are kept between questions.

    `budget_wait` (seconds) is how long a budget command waits to be seen, `send_wait` how long a send may take.
    """

    configuration: Configuration
    view: View
    publisher: Publisher
    topics: Topics
    clock: Clock
    validate_usage: ValidateUsage
    partition_counts: PartitionCounts
    new_id: NewId
    registry: CollectorRegistry
    sums: KeptSums
    bills: Shelf
    answers: KnownAnswers
    budget_wait: float = 5.0
    send_wait: float = 10.0


async def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


Use = Annotated[Services, Depends(_services)]


def answer(data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return JSON; figures change from second to second, so nobody may keep them."""
    return Response(
        orjson.dumps(data),
        status,
        {"cache-control": "no-store", **(headers or {})},
        media_type="application/json",
    )
