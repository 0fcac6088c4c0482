"""The API as one ASGI app, made of what it is given: nothing here connects to anything."""

import secrets

from fastapi import Depends, FastAPI
from prometheus_client import CollectorRegistry

from app.api import (
    allocations,
    anomalies,
    budgets,
    costs,
    dead_letters,
    events,
    flags,
    health,
    metrics,
    openapi,
    problems,
    reconciliation,
    reference,
    remediation,
    unit_costs,
)
from app.api.guard import Guard
from app.api.heads import Heads
from app.api.kept_sums import KeptSums
from app.api.known_answers import KnownAnswers
from app.api.ports import Clock, NewId, PartitionCounts, Publisher, ValidateUsage, View
from app.api.said_once import said_once
from app.api.services import Services
from app.api.shelf import MAX_KEPT_GROUPS, Shelf
from app.configuration import Configuration
from app.topics import Topics

_ROUTES = (
    costs,
    unit_costs,
    allocations,
    remediation,
    reconciliation,
    budgets,
    events,
    flags,
    anomalies,
    dead_letters,
    health,
    metrics,
    reference,
)


def _random_id() -> str:
    return secrets.token_hex(8)


def create_api(
    configuration: Configuration,
    *,
    view: View,
    publisher: Publisher,
    topics: Topics,
    clock: Clock,
    validate_usage: ValidateUsage,
    partition_counts: PartitionCounts,
    new_id: NewId = _random_id,
    budget_wait: float = 5.0,
) -> FastAPI:
    """Return the app; `partition_counts` asks the broker for the partitions of each topic, by name."""
    registry = CollectorRegistry()
    app = FastAPI(
        title="costguard",
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Depends(said_once)],
    )
    app.state.services = Services(
        configuration=configuration,
        view=view,
        publisher=publisher,
        topics=topics,
        clock=clock,
        validate_usage=validate_usage,
        partition_counts=partition_counts,
        new_id=new_id,
        registry=registry,
        sums=KeptSums(),
        bills=Shelf(MAX_KEPT_GROUPS // 3),
        answers=KnownAnswers(),
        budget_wait=budget_wait,
    )
    for module in _ROUTES:
        app.include_router(module.router)
    problems.install(app)
    openapi.install(app)
    app.add_middleware(Guard, loopback_only=not configuration.tokens)
    app.add_middleware(metrics.Measured, metrics=metrics.RequestMetrics(registry))
    app.add_middleware(Heads)
    return app
