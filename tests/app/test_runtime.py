"""Addresses left for other commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.runtime import FILE_NAME, NotRunningError, Runtime, read_runtime, remove_runtime, write_runtime

if TYPE_CHECKING:
    from pathlib import Path

RUNTIME = Runtime("127.0.0.1:19092", "redis://127.0.0.1:7000/0", "http://127.0.0.1:8000", "a.", "costguard:a.", 42)


def test_what_up_writes_is_what_commands_read(tmp_path: Path) -> None:
    write_runtime(tmp_path, RUNTIME)
    assert read_runtime(tmp_path) == RUNTIME
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o077 == 0, "the URL of Redis may hold a password"


def test_nothing_is_running_where_nothing_was_written_or_it_was_withdrawn(tmp_path: Path) -> None:
    with pytest.raises(NotRunningError, match="not running in"):
        read_runtime(tmp_path)
    write_runtime(tmp_path, RUNTIME)
    remove_runtime(tmp_path)
    remove_runtime(tmp_path)
    with pytest.raises(NotRunningError):
        read_runtime(tmp_path)


def test_a_damaged_file_counts_as_not_running(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("{")
    with pytest.raises(NotRunningError):
        read_runtime(tmp_path)
