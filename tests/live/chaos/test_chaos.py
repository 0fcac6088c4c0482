"""Exact under faults: whatever breaks, and whenever, every figure is right in the end and nobody has to help."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager, nullcontext
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.live.chaos import budgets
from tests.live.chaos.budgets import Crossing
from tests.live.chaos.embedded import EMBEDDED_FAULTS
from tests.live.chaos.faults import FAULTS, Fault, fill_the_disk, kill_a_worker
from tests.live.chaos.run import endure
from tests.live.chaos.traffic import PRICES
from tests.live.conftest import SYSTEMS
from tests.live.engines import Embedded
from tests.live.system import System
from tests.live.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.live.chaos.cluster import Cluster
    from tests.live.chaos.conftest import Endured, Load
    from tests.live.chaos.run import Outcome

PARTITIONS = 8
# However much waits: what is fetched ahead, and what is remembered, is bounded.
MAX_WORKER_MB = 1_500
DISK_BYTES = 192 * 1024 * 1024


@pytest.mark.kafka
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_no_figure_shows_that(
    fault: Fault,
    tmp_path: Path,
    cluster: Cluster,
    traffic: Load,
    endured: Endured,
    request: pytest.FixtureRequest,
) -> None:
    environment = {**ENVIRONMENT, **dict(fault.environment)}
    system = System(tmp_path, cluster.engine(), workers=fault.workers, config=_config(traffic), environment=environment)
    disk = _small_disk(tmp_path / "var" / "tables") if fault.strike is fill_the_disk else nullcontext()
    with disk, _running(system, request):
        outcome = await endure(system, cluster, fault, traffic.records, traffic.expected)
        endured.add(outcome)
        await _check_effects(system, traffic, outcome)
    assert outcome.crossings == endured.first.crossings, "the same events, whatever happened"


@pytest.mark.live
@pytest.mark.parametrize("fault", EMBEDDED_FAULTS, ids=lambda fault: fault.name)
async def test_no_figure_shows_on_the_embedded_broker_that(
    fault: Fault, tmp_path: Path, little_traffic: Load, endured: Endured, request: pytest.FixtureRequest
) -> None:
    system = System(
        tmp_path, Embedded(), workers=fault.workers, config=_config(little_traffic), environment=ENVIRONMENT
    )
    with _running(system, request):
        outcome = await endure(system, None, fault, little_traffic.records, little_traffic.expected)
        endured.add(outcome)
        await _check_effects(system, little_traffic, outcome)


@pytest.mark.kafka
async def test_no_figure_shows_that_the_clock_of_a_source_is_an_hour_ahead(
    tmp_path: Path,
    cluster: Cluster,
    skewed_traffic: Load,
    endured: Endured,
    request: pytest.FixtureRequest,
) -> None:
    fault = Fault("a source's clock an hour ahead", kill_a_worker, times=0)
    system = System(tmp_path, cluster.engine(), config=_config(skewed_traffic), environment=ENVIRONMENT)
    with _running(system, request):
        outcome = await endure(system, cluster, fault, skewed_traffic.records, skewed_traffic.expected)
        endured.add(outcome)
        await _check_effects(system, skewed_traffic, outcome)
        # Late are those that are late indeed, 2 %, not everybody whose clock is right.
        assert 0 < _series(system, "costguard_late_total") < 0.05 * skewed_traffic.expected.events


ENVIRONMENT = {"COSTGUARD_PARTITIONS": str(PARTITIONS)}


def _config(load: Load) -> str:
    return PRICES + budgets.toml(budgets.budgets(load.expected))


async def _check_effects(system: System, load: Load, outcome: Outcome) -> None:
    limits = budgets.budgets(load.expected)
    expected = set(budgets.crossings(limits, load.expected))

    async def events() -> list[dict[str, Any]]:
        return await system.broker.read("budget-threshold-crossed")

    crossed = await eventually(events, lambda found: len({event["id"] for event in found}) >= len(expected))
    ids = {event["id"]: _crossing(event) for event in crossed}
    assert sorted(ids.values()) == sorted(expected)
    outcome.crossings = frozenset(ids)

    letters = await system.broker.read("dead-letter")
    assert {letter["data"]["sha256"] for letter in letters} == load.expected.rejected
    assert _series(system, "costguard_conservation_gap") == 0
    assert outcome.peak_mb <= MAX_WORKER_MB


def _crossing(event: dict[str, Any]) -> Crossing:
    data = event["data"]
    assert data["direction"] == "crossed"
    period = data["period"]
    scope = ",".join(f"{dimension}={value}" for dimension, value in data["scope"].items()) or "all"
    return Crossing(scope, period["name"], period["start"][:10], Decimal(data["threshold"]))


def _series(system: System, name: str) -> float:
    """Return the sum of a metric over all processes."""
    lines = system.request("GET", "/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(f"{name}{{"))


@contextmanager
def _running(system: System, request: pytest.FixtureRequest) -> Iterator[None]:
    request.node.stash[SYSTEMS] = [system]  # its logs are shown beside a failure
    try:
        system.start()
        yield
    finally:
        assert system.stop() == 0


@contextmanager
def _small_disk(directory: Path) -> Iterator[None]:
    """Mount a small disk of memory."""
    directory.mkdir(parents=True)
    mount = ("mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(directory))
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a small disk needs root")
    try:
        yield
    finally:
        subprocess.run(("umount", "--lazy", str(directory)), check=True)
