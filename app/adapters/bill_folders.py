"""Folders of bills, wherever fsspec reaches: on this machine, or an object store of which a copy is kept here.

A copy holds the folder's files with their times of writing, which decide which edition of a bill is the newer.
What is gone from the folder is gone from its copy. Drivers of object stores (`s3fs`, `gcsfs`, `adlfs`) are installed
by whoever uses them, and find their credentials as they always do.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

import fsspec
import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

_MARKS: Final = ".marks.json"
_PART: Final = ".part"
_SCHEME: Final = "://"


class FolderError(Exception):
    """A folder cannot be read; one sentence."""


def local_copy(folder: str, copies: Path) -> Path:
    """Return a directory of this machine with what is in a folder now. Raises `FolderError`."""
    if _SCHEME not in folder:
        if not Path(folder).is_dir():
            raise FolderError(f"{folder}: no such directory")
        return Path(folder)
    directory = copies / hashlib.sha256(folder.encode()).hexdigest()[:16]
    try:
        _copy(folder, directory)
    except (OSError, ImportError, ValueError, msgspec.DecodeError) as error:
        raise FolderError(f"{folder}: {error}") from error
    return directory


def _copy(folder: str, directory: Path) -> None:
    files, root = fsspec.core.url_to_fs(folder)
    found = {name: path for path in files.find(root) if (name := _relative(path, root)) is not None}
    marks_file = directory / _MARKS
    known: dict[str, str] = msgspec.json.decode(marks_file.read_bytes()) if marks_file.is_file() else {}
    marks: dict[str, str] = {}
    for name, path in found.items():
        marks[name] = str(files.ukey(path))
        if known.get(name) != marks[name] or not (directory / name).is_file():
            _fetch(files, path, directory / name)
    _forget(directory, known, marks)
    directory.mkdir(parents=True, exist_ok=True)
    marks_file.write_bytes(msgspec.json.encode(marks))


def _relative(path: str, root: str) -> str | None:
    """Return a file's name below the folder; None for one that would lie outside of its copy, or is hidden."""
    parts = PurePosixPath(path.removeprefix(root).lstrip("/")).parts
    return None if not parts or any(part.startswith(".") for part in parts) else "/".join(parts)


def _fetch(files: Any, path: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}{_PART}")
    files.get_file(path, str(part))
    try:
        written = files.modified(path).timestamp()
    except NotImplementedError:
        written = None
    if written is not None:
        os.utime(part, (written, written))
    part.replace(target)


def _forget(directory: Path, known: Mapping[str, str], marks: Mapping[str, str]) -> None:
    for name in known.keys() - marks.keys():
        (directory / name).unlink(missing_ok=True)
