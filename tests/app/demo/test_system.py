"""Where the demo runs: a directory of its own, ports that are free, and a reason when it does not start."""

from __future__ import annotations

import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from app.demo.system import SystemFailedError, choose_port, empty_directory, log_path, wait_ready
from app.settings import SettingsError
from app.supervisor.data_dir import LOCK, locked

if TYPE_CHECKING:
    from pathlib import Path


def test_a_new_directory_is_made_and_an_earlier_demos_is_emptied(tmp_path: Path) -> None:
    directory = tmp_path / "var" / "demo"
    empty_directory(directory)
    for name in (LOCK, "up.log", "old"):
        (directory / name).touch()
    empty_directory(directory)
    assert list(directory.iterdir()) == []


def test_somebody_elses_directory_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(SystemFailedError, match="not a demo's"):
        empty_directory(tmp_path)
    assert (tmp_path / "thesis.tex").exists()


def test_a_directory_in_which_a_system_runs_is_left_alone(tmp_path: Path) -> None:
    with locked(tmp_path):
        log_path(tmp_path).touch()
        with pytest.raises(SettingsError, match="is running"):
            empty_directory(tmp_path)
    assert log_path(tmp_path).exists()


def test_a_port_that_is_taken_is_passed_over() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert choose_port(port) != port
    assert choose_port(port) == port


def test_a_system_that_ends_at_once_is_told_with_its_last_words(tmp_path: Path) -> None:
    log_path(tmp_path).write_text("port 8000 is in use")
    with subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"]) as child:
        child.wait()
        with pytest.raises(SystemFailedError, match=r"(?s)exited with 3.*port 8000 is in use"):
            wait_ready(child, lambda: False, tmp_path)


def test_a_system_that_is_never_ready_is_given_up(tmp_path: Path) -> None:
    log_path(tmp_path).touch()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        with pytest.raises(SystemFailedError, match="not ready in 0 s"):
            wait_ready(child, lambda: False, tmp_path, seconds=0)
        child.kill()
