"""`GET /metrics`: this process' own series and those of every worker, each labelled with its process."""

import time
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Response
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.access_tokens import READ
from app.adapters.redis_view import RedisError
from app.api import workers
from app.api.security import Reader
from app.api.services import Services, Use

router = APIRouter(tags=["operation"])

KIND: Final = "metrics"
API: Final = "api"
UNMATCHED: Final = "unmatched"


class RequestMetrics:
    """What is counted of requests, in a registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "costguard_http_requests_total",
            "Requests answered. Many 5xx: read the log of the API and GET /readyz.",
            ["method", "route", "status"],
            registry=registry,
        )
        self.seconds = Histogram(
            "costguard_http_request_seconds",
            "Time to answer. Grows on /costs: ask for shorter windows, or look at Redis.",
            ["route"],
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
            registry=registry,
        )


class Measured:
    """ASGI middleware that counts and times requests by route, never by path: paths are without number."""

    def __init__(self, app: ASGIApp, *, metrics: RequestMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and count its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), int(HTTPStatus.INTERNAL_SERVER_ERROR)

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, observed)
        finally:
            route = getattr(scope.get("route"), "path", UNMATCHED)
            # A method is whatever a client wrote; only those that a route knows are counted by name.
            method = scope["method"] if route != UNMATCHED else UNMATCHED
            self._metrics.requests.labels(method, route, status).inc()
            self._metrics.seconds.labels(route).observe(time.perf_counter() - started)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def get_metrics(caller: Reader, use: Use) -> Response:
    """Return every series of the system in Prometheus' text format."""
    caller.require(READ, None)
    expositions = {API: generate_latest(use.registry).decode(), **await _of_workers(use)}
    return Response(merged(expositions), media_type=CONTENT_TYPE_PLAIN_0_0_4)


async def _of_workers(use: Services) -> dict[str, str]:
    """Return what live workers exposed last; none when the view is away, for this process' own still help then."""
    try:
        alive = await workers.alive(use.view, use.clock())
        documents = await use.view.documents(KIND)
    except RedisError:
        return {}
    return {name: documents[name].decode() for name in alive if name in documents}


class _Merged(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def merged(expositions: Mapping[str, str]) -> bytes:
    """Return one exposition of several; each series gets the label `process`."""
    families: dict[str, Metric] = {}
    for process, exposition in expositions.items():
        for family in text_string_to_metric_families(exposition):
            known = families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
            known.samples += [
                sample._replace(labels={"process": process, **sample.labels}) for sample in family.samples
            ]
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Merged(families.values()))
    return generate_latest(registry)
