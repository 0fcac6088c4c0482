"""Every live test runs twice: on the embedded default (`live`) and on Apache Kafka and Redis (`kafka`)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, Protocol

import pytest

from tests.live.engines import Embedded, Engine, Servers
from tests.live.receiver import Receiver, receiving
from tests.live.servers import kafka, redis
from tests.live.system import System

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.live.servers.process import Server

BROKER_URL: Final = "COSTGUARD_TEST_BROKER_URL"
REDIS_URL: Final = "COSTGUARD_TEST_REDIS_URL"
SYSTEMS: Final = pytest.StashKey[list[System]]()


def _served(server: Server, scheme: str) -> Iterator[str]:
    server.start()
    try:
        yield f"{scheme}://127.0.0.1:{server.port}"
    finally:
        server.stop()


@pytest.fixture(scope="session")
def kafka_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Apache Kafka: the one the environment names, or one of our own."""
    if url := os.environ.get(BROKER_URL):
        yield url
    else:
        yield from _served(kafka.prepare(tmp_path_factory.mktemp("kafka")), "kafka")


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Redis: the one the environment names, or one of our own."""
    if url := os.environ.get(REDIS_URL):
        yield url
    else:
        for address in _served(redis.prepare(tmp_path_factory.mktemp("redis")), "redis"):
            yield f"{address}/0"


@pytest.fixture(
    params=[
        pytest.param("embedded", marks=pytest.mark.live),
        pytest.param("kafka", marks=pytest.mark.kafka),
    ]
)
def engine(request: pytest.FixtureRequest) -> Engine:
    """What the system of the test runs on."""
    if request.param == "embedded":
        return Embedded()
    return Servers(request.getfixturevalue("kafka_url"), request.getfixturevalue("redis_url"))


class Launch(Protocol):
    """Starts a system: `workers`, text of a configuration file, `environment`."""

    def __call__(self, **options: Any) -> System:
        """Return the system, ready."""


@pytest.fixture
def launch(request: pytest.FixtureRequest, tmp_path: Path, engine: Engine) -> Iterator[Launch]:
    """Start one system, which stops with the test."""
    systems = request.node.stash.setdefault(SYSTEMS, [])

    def start(**options: Any) -> System:
        system = System(tmp_path, engine, **options)
        systems.append(system)
        system.start()
        return system

    yield start
    for system in systems:
        system.stop()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """An endpoint for webhooks."""
    with receiving() as listening:
        yield listening


def pytest_exception_interact(node: pytest.Item, report: pytest.TestReport) -> None:
    """Show what the processes logged beside the test's own failure."""
    for system in node.stash.get(SYSTEMS, []):
        report.sections.append(("costguard logs", system.logs()))
