"""The image's health check: the role of process 1 decides what is asked."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

SCRIPT = runpy.run_path(str(Path(__file__).parents[2] / "docker" / "healthcheck.py"), run_name="healthcheck")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [(["api"], ("api", "0")), (["worker"], ("worker", "0")), (["worker", "--index", "3"], ("worker", "3"))],
)
def test_the_role_is_read_off_the_command_line(arguments: list[str], expected: tuple[str, str]) -> None:
    assert SCRIPT["role"](["python", "-m", "app", *arguments]) == expected
