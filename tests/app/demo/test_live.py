"""The demo as a person starts it, on the embedded engines."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

COSTGUARD = Path(sys.executable).with_name("costguard")


@pytest.mark.live
def test_the_demo_adds_up_and_leaves_nothing_running(tmp_path: Path) -> None:
    command = [str(COSTGUARD), "demo", "--once", "--scale", "0.05", "--data-dir", str(tmp_path / "demo")]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "research-agent-tier" in finished.stdout
    assert "WRONG" not in finished.stdout
    assert not (tmp_path / "demo" / "runtime.json").exists()
