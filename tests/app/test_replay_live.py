"""`costguard replay` against a running system on the embedded engines."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from app.adapters.loopback import free_port
from app.demo.api import Api
from app.demo.system import Addresses, running, wait_ready

if TYPE_CHECKING:
    from collections.abc import Iterator

COSTGUARD = str(Path(sys.executable).with_name("costguard"))
OCTOBER = {"start": "2026-10-01T00:00:00Z", "end": "2026-11-01T00:00:00Z"}
PLAIN = b"""{"tenant":"plain","resource_type":"compute.cpu_seconds","units":1,"time":"2026-10-05T00:00:00Z"}
{"tenant":"plain","resource_type":"compute.cpu_seconds","units":1,"time":"2026-10-05T00:00:00Z"}
not an event
"""


@pytest.fixture
def system(tmp_path: Path) -> Iterator[tuple[Api, Path]]:
    addresses, config = Addresses(free_port(), free_port()), tmp_path / "costguard.toml"
    config.touch()
    with running(addresses, tmp_path, config) as child:
        api = Api(addresses.api_port)
        wait_ready(child, api.ready, tmp_path)
        yield api, tmp_path


def costguard(data_dir: Path, *arguments: str, stdin: bytes = b"") -> str:
    environment = os.environ | {"COSTGUARD_DATA_DIR": str(data_dir)}
    finished = subprocess.run(
        [COSTGUARD, *arguments], env=environment, input=stdin, capture_output=True, timeout=120, check=False
    )
    assert finished.returncode == 0, finished.stderr.decode()
    return finished.stderr.decode()


def october(api: Api) -> tuple[dict[str, Any], int]:
    answer = api.get("/costs", group_by="tenant", **OCTOBER)
    return answer, sum(group["events"] for group in answer["groups"])


@pytest.mark.live
def test_when_replay_returns_everything_is_counted_and_a_second_time_adds_nothing(
    system: tuple[Api, Path],
) -> None:
    api, data_dir = system
    month = data_dir / "month.jsonl.gz"
    costguard(data_dir, "sample", "--month", "2026-10", "--scale", "0.01", "-o", str(month))
    assert "folded into the tables" in costguard(data_dir, "replay", str(month), "-", stdin=PLAIN)
    first, events = october(api)
    assert events > 1000
    assert next(group for group in first["groups"] if group["key"]["tenant"] == "plain")["events"] == 2
    reasons = [letter["data"]["reason"] for letter in api.get("/dead-letters")["dead_letters"]]
    assert any(reason.startswith("not JSON") for reason in reasons)

    costguard(data_dir, "replay", str(month), "-", stdin=PLAIN)
    again, repeated = october(api)
    assert (again["total"], repeated) == (first["total"], events)
