"""What runs where, exactly: an agent that is not installed, or a table without its topic, is a silent loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from app import topology
from app.settings import Configuration, load_settings
from app.topics import Topics
from app.wiring import Outside

if TYPE_CHECKING:
    from pathlib import Path

    from app.processes import App

AGENTS = {
    topology.WORKER: {"metering", "billing", "rollup", "budgets", "anomaly"},
    topology.EFFECTS: {"webhooks", "flags", "dead-letters"},
}
READS = {
    topology.WORKER: {
        "usage-metered", "billing-deltas", "costguard-cost-totals", "budget-commands", "costguard-budget-spend",
        "costguard-closed-hours",
    },
    topology.EFFECTS: {
        "budget-threshold-crossed", "flag-changed", "anomaly-detected", "budget-status", "dead-letter",
    },
}  # fmt: skip
TABLES = {
    topology.WORKER: {"identities": 8, "meter": 8, "bills": 4, "costs": 4, "budgets": 4, "detectors": 1},
    topology.EFFECTS: {"deliveries": 4, "flags": 4},
}


def create(role: str, directory: Path, monkeypatch: pytest.MonkeyPatch) -> App:
    monkeypatch.chdir(directory)
    settings = load_settings({"COSTGUARD_DATA_DIR": str(directory), "COSTGUARD_BROKER_URL": "kafka://127.0.0.1:1"}, {})
    nobody: Any = None
    outside = Outside(name="test", publisher=nobody, view=nobody, clock=lambda: 0.0, fatal=lambda _: None)
    partitions = dict.fromkeys(Topics().all(), 4) | {"usage-metered": 8, "costguard-closed-hours": 1}
    return topology.create_app(role, settings, Configuration(), index=0, partitions=partitions, outside=outside)


@pytest.mark.parametrize("role", [topology.WORKER, topology.EFFECTS])
def test_a_process_runs_exactly_these_agents_over_exactly_these_topics(
    role: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create(role, tmp_path, monkeypatch)
    agents: Any = app.agents
    assert {str(name) for name in agents} == AGENTS[role]
    assert {topic for agent in agents.values() for topic in agent.channel.topics} == READS[role]


@pytest.mark.parametrize("role", [topology.WORKER, topology.EFFECTS])
def test_a_table_is_partitioned_like_the_topic_that_writes_it(
    role: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create(role, tmp_path, monkeypatch)
    tables: Any = app.tables
    assert {name: table.partitions for name, table in tables.items()} == TABLES[role]


@pytest.mark.parametrize("role", [topology.WORKER, topology.EFFECTS])
def test_every_topic_that_an_agent_reads_arrives_in_batches(
    role: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create(role, tmp_path, monkeypatch)
    scheduler: Any = app.conf.ConsumerScheduler
    assert READS[role] <= scheduler.batched
