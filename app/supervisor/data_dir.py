"""The data directory: one `up` at a time, and nothing in it that outlived the broker it came from."""

from __future__ import annotations

import fcntl
import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from app.typed_toml import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY: Final = "COSTGUARD_DATA_DIR"
LOCK: Final = "up.lock"
TABLES: Final = "tables"


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the directory, creating it for this user only; `SettingsError` when it is held or not writable.

    The lock is the kernel's: it ends with the process, however that ends.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise SettingsError(KEY, f"cannot use {directory}: {error.strerror}") from None
    try:
        _take(lock, directory)
        yield
    finally:
        os.close(lock)


def _take(lock: int, directory: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(lock, 20, 0).decode(errors="replace").strip()
        raise SettingsError(KEY, f"costguard up is running in {directory} (process {holder})") from None
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)


def forget_tables(directory: Path) -> None:
    """Remove the workers' tables: their changelogs went with the broker that held them."""
    try:
        shutil.rmtree(directory / TABLES)
    except FileNotFoundError:
        return
    except OSError as error:
        raise SettingsError(KEY, f"cannot remove {directory / TABLES}: {error.strerror}") from None
