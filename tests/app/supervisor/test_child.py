from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from app.adapters.loopback import Program
from app.supervisor.child import Child, Spec, described

if TYPE_CHECKING:
    from pathlib import Path


def spec(directory: Path, code: str, **environment: str) -> Spec:
    program = Program(sys.executable, (sys.executable, "-c", code), environment)
    return Spec("child", program, directory / "child.log", directory)


async def test_a_child_has_its_own_environment_directory_and_log(tmp_path: Path) -> None:
    code = "import os, sys; print(sorted(os.environ), os.getcwd()); sys.exit('last words')"
    child = Child(spec(tmp_path, code, ONLY="this", PYTHONUNBUFFERED="1", LC_CTYPE="C.UTF-8"))
    await child.start()
    assert await child.ended() == 1
    assert f"['LC_CTYPE', 'ONLY', 'PYTHONUNBUFFERED'] {tmp_path}" in (tmp_path / "child.log").read_text()
    assert child.last_words() == "last words"
    assert child.pid is None


async def test_a_child_does_not_get_the_signals_of_the_terminal(tmp_path: Path) -> None:
    child = Child(spec(tmp_path, "import time; time.sleep(60)"))
    await child.start()
    try:
        assert child.pid is not None
        assert os.getpgid(child.pid) == child.pid != os.getpgid(0)
    finally:
        await child.stop(10)
    assert await child.ended() == -15


async def test_a_program_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    missing = Spec("child", Program("/nowhere", ("nowhere",), {}), tmp_path / "child.log", tmp_path)
    child = Child(missing)
    with pytest.raises(FileNotFoundError):
        await child.start()
    await child.stop(1)


def test_an_end_is_described_for_people() -> None:
    assert [described(code) for code in (0, 3, -9, -99)] == [
        "exit code 0",
        "exit code 3",
        "signal SIGKILL",
        "signal 99",
    ]
