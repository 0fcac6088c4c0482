"""Contenders as processes: started, waited for, and asked for the figures on the last line of their output."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from app.settings import other_environment

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT: Final = Path(__file__).parent.parent
SECONDS: Final = 240
_REASON_CHARACTERS: Final = 200


class FailedError(Exception):
    """A contender gave no figures; the text is the reason, in a line."""


def run(
    module: str, *arguments: str, python: Path | str = sys.executable, environment: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Run `python -m module` with nothing of ours in its environment but `environment`; return its figures.

    What it writes to temporary files is removed with it. Raises `FailedError`.
    """
    with TemporaryDirectory() as directory:
        try:
            done = subprocess.run(
                (str(python), "-m", module, *arguments),
                cwd=ROOT,
                env={**other_environment(), "TMPDIR": directory, **(environment or {})},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise FailedError(f"no result in {SECONDS} s") from None
    return figures(done.stdout, done.stderr)


def figures(stdout: bytes, stderr: bytes) -> dict[str, Any]:
    """Return the JSON object on the last line; frameworks print banners and spinners before it."""
    try:
        found = json.loads(last_line(stdout))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise FailedError(last_line(stderr)[:_REASON_CHARACTERS] or "ended without a word")
    return found


def last_line(output: bytes) -> str:
    """Return the last line that is not empty."""
    return next((line.strip() for line in reversed(output.decode(errors="replace").splitlines()) if line.strip()), "")
