"""The image: pinned, without root, only what runs; and its build works when carried out in an empty directory."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.docker.dockerfile import DOCKERFILE, PROJECT, Build, stages

if TYPE_CHECKING:
    from pathlib import Path

STAGES = stages(DOCKERFILE.read_text())
BUILT, FINAL = STAGES
CHECKS = """
import importlib.resources, importlib.util, sys
import app.api.serve, app.cli, app.main
assert importlib.resources.files("domain").joinpath("prices.toml").is_file()
assert importlib.resources.files("app.demo").joinpath("costguard.toml").is_file()
assert app.__file__.startswith(sys.prefix), app.__file__
assert importlib.util.find_spec("pytest") is None
"""


@pytest.mark.parametrize("stage", STAGES, ids=["build", "final"])
def test_base_images_are_pinned_to_a_patch_release(stage: object) -> None:
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", getattr(stage, "image", ""))


def test_the_process_is_not_root_and_its_health_is_checked() -> None:
    users = FINAL.all("USER")
    assert users == ["10001:10001"]
    assert len(FINAL.all("HEALTHCHECK")) == 1
    assert FINAL.all("EXPOSE") == ["8000"]
    assert FINAL.all("ENTRYPOINT") == ['["python", "-m", "app"]']


def test_everything_copied_is_in_the_build_context() -> None:
    allowed = {
        line.removeprefix("!") for line in (PROJECT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    }
    copied = {word for text in BUILT.all("COPY") for word in text.split()[:-1]}
    copied |= {text.split()[0] for text in FINAL.all("COPY") if not text.startswith("--from=")}
    assert copied == allowed
    assert all((PROJECT / path).exists() for path in copied)


def test_the_installer_is_that_of_the_makefile() -> None:
    pinned = re.search(r"^UV_VERSION := (\S+)$", (PROJECT / "Makefile").read_text(), re.MULTILINE)
    assert pinned is not None
    assert f"UV_VERSION={pinned[1]}" in BUILT.all("ARG")


@pytest.mark.live
def test_the_build_makes_an_environment_that_runs_every_role(tmp_path: Path) -> None:
    build = Build(tmp_path / "image")
    for instruction in BUILT.instructions:
        build.carry_out(instruction)

    python = build.root / "opt" / "costguard" / "bin" / "python"
    _run(tmp_path, str(python), "-c", CHECKS)
    assert "worker" in _run(tmp_path, str(python), "-m", "app", "--help")
    assert _run(tmp_path, str(python.with_name("costguard")), "--version").startswith("costguard ")


def _run(directory: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=directory, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout
