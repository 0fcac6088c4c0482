"""Peers live in virtual environments of their own, at pinned versions: what they need is none of our dependencies.

A file next to a peer pins everything (made by `uv pip compile --universal`); the environment is made once, below
`.cache/bench`, and anew when the pins or the Python change.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Final

from bench.processes import ROOT, FailedError, last_line

CACHE: Final = ROOT / ".cache" / "bench"
INSTALL_SECONDS: Final = 900


def python_of(pins: Path) -> Path:
    """Return the interpreter of a peer's environment, making it first if need be. Raises `FailedError`."""
    digest = hashlib.sha256(pins.read_bytes() + sys.version.encode()).hexdigest()[:12]
    directory = CACHE / f"{pins.stem}-{digest}"
    if not directory.exists():
        # Whole or not at all: an interrupted installation leaves nothing that looks like a cache.
        draft = directory.with_name(f".{directory.name}")
        _uv("venv", "--clear", "--relocatable", "--python", sys.executable, str(draft))
        _uv("pip", "install", "--python", str(draft / "bin" / "python"), "-r", str(pins))
        draft.rename(directory)
    return directory / "bin" / "python"


def _uv(*arguments: str) -> None:
    uv = Path(sys.executable).with_name("uv")
    done = subprocess.run(
        (str(uv), "--quiet", *arguments),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=INSTALL_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise FailedError(f"cannot be installed: {last_line(done.stderr)}")
