"""Prometheus and Grafana: they ask for series that exist, where they are served."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase

from agents import metrics
from app.api.metrics import RequestMetrics

DOCKER = Path(__file__).parents[2] / "docker"
COMPOSE: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text())
PROMETHEUS: dict[str, Any] = yaml.safe_load((DOCKER / "prometheus" / "prometheus.yml").read_text())
ALERTS: dict[str, Any] = yaml.safe_load((DOCKER / "prometheus" / "alerts.yml").read_text())
DASHBOARD: dict[str, Any] = json.loads((DOCKER / "grafana" / "dashboards" / "costguard.json").read_text())
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
TARGETS = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", [])]


def _served() -> set[str]:
    """Return the names of all series: those that workers register with their module, and those of the api."""
    registry = CollectorRegistry()
    RequestMetrics(registry)
    collectors = [metric for metric in vars(metrics).values() if isinstance(metric, MetricWrapperBase)]
    for metric in collectors:
        registry.register(metric)
    return set(registry._names_to_collectors)


@pytest.mark.parametrize("expression", [*TARGETS, *(rule["expr"] for rule in RULES)])
def test_every_series_asked_for_is_one_that_we_serve(expression: str) -> None:
    asked = set(re.findall(r"\bcostguard_\w+", expression))
    assert asked or "up{" in expression
    assert asked <= _served()


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_every_alert_says_what_happened_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["annotations"].keys() >= {"summary", "action"}
    assert rule["labels"]["severity"] in {"page", "ticket"}


def test_prometheus_scrapes_the_api_with_its_token() -> None:
    job = PROMETHEUS["scrape_configs"][0]
    assert job["static_configs"] == [{"targets": ["api:8000"]}]
    assert job["authorization"]["credentials_file"] == "/run/secrets/metrics_token"
    assert "metrics_token" in COMPOSE["services"]["prometheus"]["secrets"]
    assert PROMETHEUS["rule_files"] == [COMPOSE["services"]["prometheus"]["configs"][1]["target"]]


def test_grafana_finds_its_source_and_its_dashboard() -> None:
    provisioning = DOCKER / "grafana" / "provisioning"
    source = yaml.safe_load((provisioning / "datasources" / "prometheus.yml").read_text())["datasources"][0]
    assert source["url"] == "http://prometheus:9090"
    used = {panel["datasource"]["uid"] for panel in DASHBOARD["panels"] if "datasource" in panel}
    assert used == {source["uid"]}
    provider = yaml.safe_load((provisioning / "dashboards" / "costguard.yml").read_text())["providers"][0]
    mounts = [volume.split(":") for volume in COMPOSE["services"]["grafana"]["volumes"]]
    assert ["./grafana/dashboards", provider["options"]["path"], "ro"] in mounts


def test_panels_do_not_overlap_and_each_says_what_it_shows() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken
        assert at["x"] + at["w"] <= 24
        assert panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
