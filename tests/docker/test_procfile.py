"""The Procfile is one that honcho and its kin run, and names every role once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from app.__main__ import main

PROCFILE = Path(__file__).parents[2] / "Procfile"
COMMANDS = dict(line.split(": ", 1) for line in PROCFILE.read_text().splitlines())


def test_honcho_accepts_it() -> None:
    honcho = Path(sys.executable).with_name("honcho")
    done = subprocess.run(
        (honcho, "-f", PROCFILE, "check"), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert all(role in done.stdout + done.stderr for role in COMMANDS)


def test_each_process_is_a_role_of_our_own() -> None:
    assert {role: f"python -m app {role}" for role in ("worker", "effects", "api")} == COMMANDS


def test_no_other_role_is_accepted(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["nonsense"])
    assert "worker" in capsys.readouterr().err
