"""What chaos runs share: the servers that are harmed, the traffic, and what the runs came to."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from tests.live.chaos import cluster as servers
from tests.live.chaos import oracle, report
from tests.live.chaos.run import Outcome
from tests.live.chaos.traffic import Record, Traffic

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.live.chaos.cluster import Cluster
    from tests.live.chaos.oracle import Expected

OUTCOMES: Final = pytest.StashKey[list[Outcome]]()
EVENTS: Final = "COSTGUARD_TEST_CHAOS_EVENTS"
DEFAULT_EVENTS: Final = 500_000


class Load(NamedTuple):
    """Traffic, in the order in which it is sent, and what it must come to."""

    records: Sequence[Record]
    expected: Expected


def load(traffic: Traffic, directories: pytest.TempPathFactory) -> Load:
    """Write traffic down, and let it be worked out from there."""
    path = directories.mktemp("traffic") / "usage.jsonl"
    traffic.write(path)
    return Load(list(traffic.records()), oracle.expected(path))


@pytest.fixture(scope="session")
def traffic(tmp_path_factory: pytest.TempPathFactory) -> Load:
    """Traffic for Apache Kafka; fewer events where the environment says so."""
    return load(Traffic(int(os.environ.get(EVENTS, DEFAULT_EVENTS))), tmp_path_factory)


@pytest.fixture(scope="session")
def skewed_traffic(tmp_path_factory: pytest.TempPathFactory) -> Load:
    """The same with a twentieth of its events from a source whose clock is an hour ahead."""
    return load(Traffic(int(os.environ.get(EVENTS, DEFAULT_EVENTS)), ahead=0.05), tmp_path_factory)


@pytest.fixture(scope="session")
def little_traffic(tmp_path_factory: pytest.TempPathFactory) -> Load:
    """Traffic for the embedded broker."""
    return load(Traffic(60_000), tmp_path_factory)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Servers of our own: they will be killed."""
    running = servers.prepare(tmp_path_factory.mktemp("cluster"))
    try:
        running.start()
        yield running
    finally:
        running.stop()


class Endured:
    """What the runs of this process came to so far; the table at the end has those of all processes."""

    def __init__(self, outcomes: list[Outcome], properties: list[tuple[str, object]]) -> None:
        self._outcomes = outcomes
        self._properties = properties

    def add(self, outcome: Outcome) -> None:
        """Keep what the run of this test came to."""
        self._outcomes.append(outcome)
        # The test's report carries it, also from another process.
        self._properties.append((report.ROW, report.row(outcome)))

    @property
    def first(self) -> Outcome:
        """The first that was kept."""
        return self._outcomes[0]


@pytest.fixture
def endured(request: pytest.FixtureRequest) -> Endured:
    """Where a test keeps what its run came to."""
    return Endured(request.config.stash.setdefault(OUTCOMES, []), request.node.user_properties)
