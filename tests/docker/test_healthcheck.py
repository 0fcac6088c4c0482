"""The image's health check: the role of process 1 decides what is asked."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

SCRIPT = runpy.run_path(str(Path(__file__).parents[2] / "docker" / "healthcheck.py"), run_name="healthcheck")
NOW = 1_000.0


@pytest.mark.parametrize("arguments", [["worker"], ["worker", "--index", "3"]])
def test_the_role_is_read_off_the_command_line(arguments: list[str]) -> None:
    assert SCRIPT["role"](["python", "-m", "app", *arguments]) == "worker"


@pytest.mark.parametrize(
    ("name", "beat", "wrong"),
    [
        ("worker-host-0", {"at": 995, "ready": True}, None),
        ("worker-host-0", {"at": 995, "ready": False}, "not ready"),
        ("worker-host-0", {"at": 980, "ready": True}, "no heartbeat"),
        ("worker-other-0", {"at": 995, "ready": True}, "no heartbeat"),
        ("effects-host-0", {"at": 995, "ready": True}, "no heartbeat"),
    ],
)
def test_a_process_is_healthy_while_its_own_heartbeat_is_fresh_and_ready(
    name: str, beat: dict[str, Any], wrong: str | None
) -> None:
    beats = {name: json.dumps(beat).encode()}
    said = SCRIPT["wrong_with"](beats, "worker-host", NOW)
    assert said == wrong if wrong is None else wrong in said
