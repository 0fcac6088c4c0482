"""The compose file: valid, reachable from this machine only, every part pinned, healthy, and told what it needs."""

from __future__ import annotations

import json
import re
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from app.configuration import parse_configuration
from app.settings import check_exposure, load_settings
from app.typed_toml import parse_toml
from tests.live.servers import kafka

DOCKER = Path(__file__).parents[2] / "docker"
COMPOSE: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "costguard:local"}
named = pytest.mark.parametrize("name", SERVICES)
ours = pytest.mark.parametrize("name", OURS)


def test_it_follows_the_compose_specification() -> None:
    # The package ships the specification's schema; its code is not needed.
    schema = distribution("check-jsonschema").locate_file("check_jsonschema/builtin_schemas/vendor/compose-spec.json")
    jsonschema.validate(COMPOSE, json.loads(Path(str(schema)).read_text()))


@named
def test_ports_are_published_on_loopback_only(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


@named
def test_images_are_pinned(name: str) -> None:
    image = SERVICES[name]["image"]
    assert image == "costguard:local" or re.search(r":v?\d+\.\d+\.\d+(-alpine)?$", image)


@named
def test_health_is_checked(name: str) -> None:
    # Ours have their check in the image.
    assert name in OURS or SERVICES[name]["healthcheck"]["test"][0] == "CMD"


@named
def test_whatever_is_referred_to_is_defined(name: str) -> None:
    service = SERVICES[name]
    volumes = {volume.split(":")[0] for volume in service.get("volumes", []) if not volume.startswith(".")}
    assert volumes <= COMPOSE["volumes"].keys()
    assert set(service.get("secrets", [])) <= COMPOSE["secrets"].keys()
    assert {config["source"] for config in service.get("configs", [])} <= COMPOSE["configs"].keys()
    assert service.get("depends_on", {}).keys() <= SERVICES.keys()


def test_every_file_that_is_mounted_exists() -> None:
    mounted = [volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])]
    files = [path for path in mounted if path.startswith(".")]
    files += [config["file"] for config in COMPOSE["configs"].values()]
    assert [path for path in files if not (DOCKER / path).exists()] == []


def test_kafka_is_the_one_that_the_live_tests_prove() -> None:
    version = re.search(r"<kafka.version>(.+)</kafka.version>", kafka.POM.read_text())
    assert version is not None
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{version[1]}"


@ours
def test_a_process_of_ours_is_unprivileged_and_keeps_its_own_tables(name: str) -> None:
    service = OURS[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["volumes"] == [f"{name}:/var/lib/costguard"]


@ours
def test_a_process_of_ours_is_told_settings_that_exist(name: str) -> None:
    settings = load_settings(OURS[name]["environment"], {})
    assert settings.bootstrap == "kafka:9092"
    assert not settings.starts_redis
    assert settings.as_environment().keys() >= OURS[name]["environment"].keys()


def test_the_api_may_leave_loopback_because_tokens_are_configured(tmp_path: Path) -> None:
    text = (DOCKER / "costguard.toml").read_text()
    secrets = {section["secret_file"] for section in parse_toml(text, "file", "file")["tokens"].values()}
    assert secrets == {f"/run/secrets/{name}" for name in OURS["api"]["secrets"]}
    for secret in secrets:
        (tmp_path / Path(secret).name).write_text(f"{Path(secret).name}-0123456789abcdef")
    configuration = parse_configuration(text.replace("/run/secrets", str(tmp_path)), tmp_path / "costguard.toml")
    check_exposure(load_settings(OURS["api"]["environment"], {}), configuration)


def test_roles_of_the_compose_file_are_those_of_the_procfile() -> None:
    roles = {line.split(":")[0] for line in (DOCKER.parent / "Procfile").read_text().splitlines()}
    assert {service["command"][0] for service in OURS.values()} == roles
