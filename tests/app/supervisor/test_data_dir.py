from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from app.supervisor.data_dir import forget_tables, locked
from app.typed_toml import SettingsError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_directory_is_held_once_and_free_afterwards(tmp_path: Path) -> None:
    with locked(tmp_path):
        with pytest.raises(SettingsError, match=rf"^COSTGUARD_DATA_DIR: .* {os.getpid()}"), locked(tmp_path):
            pass
        with pytest.raises(SettingsError), locked(tmp_path):
            pass
    with locked(tmp_path):
        pass


def test_a_new_directory_is_for_its_owner_alone(tmp_path: Path) -> None:
    with locked(tmp_path / "a" / "b"):
        assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700


def test_a_directory_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match=r"^COSTGUARD_DATA_DIR: cannot use"), locked(tmp_path / "file"):
        pass


def test_tables_are_forgotten_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "tables" / "worker-0").mkdir(parents=True)
    (tmp_path / "logs").mkdir()
    forget_tables(tmp_path)
    forget_tables(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["logs"]
