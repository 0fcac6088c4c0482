"""Where a running `costguard up` listens: `runtime.json` in its data directory, for other commands to read.

With embedded engines the Redis port is chosen at start; this file is how `replay` and others find it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from pathlib import Path

FILE_NAME: Final = "runtime.json"


class Runtime(msgspec.Struct, frozen=True):
    """Bootstrap servers (`host:port,...`), Redis URL, base URL of the API, prefixes, process id of `up`."""

    broker: str
    redis: str
    api: str
    topic_prefix: str = ""
    view_prefix: str = ""
    pid: int = 0


class NotRunningError(Exception):
    """No `costguard up` has left its addresses in the data directory; the text names it."""


def write_runtime(data_dir: Path, runtime: Runtime) -> None:
    """Publish the addresses, whole or not at all."""
    draft = data_dir / f".{FILE_NAME}"
    draft.unlink(missing_ok=True)
    # The URL of Redis may hold a password.
    draft.touch(mode=0o600)
    draft.write_bytes(msgspec.json.encode(runtime))
    draft.replace(data_dir / FILE_NAME)


def read_runtime(data_dir: Path) -> Runtime:
    """Return the addresses; `NotRunningError` when there is no readable file."""
    try:
        return msgspec.json.decode((data_dir / FILE_NAME).read_bytes(), type=Runtime)
    except (OSError, msgspec.DecodeError) as error:
        raise NotRunningError(
            f"costguard up is not running in {data_dir}; start it, or name its directory: COSTGUARD_DATA_DIR=..."
        ) from error


def remove_runtime(data_dir: Path) -> None:
    """Withdraw the addresses when `up` stops."""
    (data_dir / FILE_NAME).unlink(missing_ok=True)
