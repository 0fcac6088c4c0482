"""Folders of bills: on this machine as they are, in an object store by a copy that follows it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import fsspec
import pytest

from app.adapters.bill_folders import FolderError, local_copy

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def store() -> str:
    """A folder of an object store in memory."""
    return f"memory://{uuid4().hex}/bills"


def put(folder: str, name: str, text: str) -> None:
    with fsspec.open(f"{folder}/{name}", "w") as file:
        file.write(text)


def held(directory: Path) -> dict[str, str]:
    visible = [file for file in directory.rglob("[!.]*") if file.is_file()]
    return {str(file.relative_to(directory)): file.read_text() for file in visible}


def test_a_directory_of_this_machine_is_read_where_it_is(tmp_path: Path) -> None:
    assert local_copy(str(tmp_path), tmp_path / "copies") == tmp_path


def test_a_store_is_copied_with_its_names_and_times_of_writing(store: str, tmp_path: Path) -> None:
    put(store, "2026-11/cur-Manifest.json", "{}")
    put(store, "2026-11/a/part-1.csv", "x")
    directory = local_copy(store, tmp_path)
    assert held(directory) == {"2026-11/cur-Manifest.json": "{}", "2026-11/a/part-1.csv": "x"}
    files, path = fsspec.core.url_to_fs(f"{store}/2026-11/a/part-1.csv")
    assert (directory / "2026-11/a/part-1.csv").stat().st_mtime == pytest.approx(files.modified(path).timestamp())


def test_a_copy_follows_what_is_new_changed_and_gone(store: str, tmp_path: Path) -> None:
    for name in ("kept.csv", "changed.csv", "gone.csv"):
        put(store, name, "first")
    directory = local_copy(store, tmp_path)
    (directory / "kept.csv").write_text("not fetched again")
    put(store, "changed.csv", "second, longer")
    put(store, "new.csv", "new")
    files, path = fsspec.core.url_to_fs(f"{store}/gone.csv")
    files.rm(path)
    assert held(local_copy(store, tmp_path)) == {
        "kept.csv": "not fetched again", "changed.csv": "second, longer", "new.csv": "new",
    }  # fmt: skip


def test_hidden_files_and_those_that_would_lie_outside_are_left_there(store: str, tmp_path: Path) -> None:
    for name in (".hidden/a.csv", "..evil.csv", "good.csv"):
        put(store, name, "x")
    assert held(local_copy(store, tmp_path)) == {"good.csv": "x"}


@pytest.mark.parametrize(
    ("folder", "why"),
    [("/nowhere/at/all", "no such directory"), ("s4://bucket/bills", "s4"), ("s3://bucket/bills", "s3fs")],
)
def test_what_cannot_be_reached_says_why(folder: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(FolderError, match=why):
        local_copy(folder, tmp_path)
