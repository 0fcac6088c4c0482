"""The log files of children: appended to, put aside when large, asked for their last words."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from io import BufferedWriter
    from pathlib import Path

ROTATE_BYTES: Final = 10_000_000
_ESCAPES: Final = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
MAX_LINE: Final = 300
_TAIL_BYTES: Final = 8192


class _Line(msgspec.Struct):
    message: str


def open_log(path: Path) -> BufferedWriter:
    """Open for appending; a large one first becomes `<name>.1`, replacing the one before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > ROTATE_BYTES:
        path.replace(path.with_name(f"{path.name}.1"))
    return path.open("ab")


def last_line(path: Path) -> str:
    """Return the last line that is not blank, at most `MAX_LINE` characters; empty when there is none."""
    try:
        with path.open("rb") as log:
            log.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            lines = log.read().decode(errors="replace").split("\n")
    except OSError:
        return ""
    return _said(next((line.strip() for line in reversed(lines) if line.strip()), ""))[:MAX_LINE]


def _said(line: str) -> str:
    """Return the message of a structured line, or the line; nothing that steers a terminal."""
    with suppress(msgspec.DecodeError):
        line = msgspec.json.decode(line, type=_Line).message
    plain = _ESCAPES.sub("", line)
    return "".join(character if character.isprintable() else " " for character in plain).strip()
