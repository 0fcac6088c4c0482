"""The system under the demo: `costguard up` as a child process in its own data directory, on free ports."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app.adapters.loopback import LOOPBACK, free_port, is_free
from app.supervisor.data_dir import LOCK, locked
from app.supervisor.tether import tether

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STOP_SECONDS: Final = 30
LOG_TAIL: Final = 1500


class SystemFailedError(Exception):
    """`costguard up` ended or did not become ready; the text holds the end of its log."""


@dataclass(frozen=True)
class Addresses:
    """Where the demo's own system listens."""

    api_port: int
    broker_port: int

    @property
    def api(self) -> str:
        """Base URL of the HTTP API."""
        return f"http://127.0.0.1:{self.api_port}"

    @property
    def broker(self) -> str:
        """Bootstrap server of the embedded broker."""
        return f"127.0.0.1:{self.broker_port}"


def choose_port(preferred: int) -> int:
    """Return the preferred port when nothing listens there, else a free one."""
    return preferred if is_free(LOOPBACK, preferred) else free_port()


def empty_directory(data_dir: Path) -> None:
    """Start from nothing: create the directory, or empty what an earlier demo left in it.

    Raises `SystemFailedError` when it holds anything else, `SettingsError` when a system runs in it.
    """
    if data_dir.exists() and any(data_dir.iterdir()):
        if not (data_dir / LOCK).is_file() or not log_path(data_dir).is_file():
            raise SystemFailedError(f"{data_dir} is not a demo's: name a directory that may be emptied")
        with locked(data_dir):
            shutil.rmtree(data_dir)
    data_dir.mkdir(parents=True, exist_ok=True)


@contextmanager
def running(addresses: Addresses, data_dir: Path, config: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run `costguard up` while the block runs, then stop it as an operator would (SIGTERM, and wait)."""
    command = [
        *(
            str(Path(sys.executable).with_name("costguard")),
            "up",
            "--broker-url",
            "embedded",
            "--redis-url",
            "embedded",
        ),
        *("--data-dir", str(data_dir), "--config", str(config), "--api-host", "127.0.0.1"),
        *("--api-port", str(addresses.api_port), "--embedded-broker-port", str(addresses.broker_port)),
    ]
    with log_path(data_dir).open("wb") as log:
        # A session of its own: Ctrl-C reaches the demo alone, and the demo stops the rest in order.
        child = subprocess.Popen(  # noqa: S603 - our own program
            command,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=tether(os.getpid()),  # noqa: PLW1509 - it takes no locks
        )
        try:
            yield child
        finally:
            _stop(child)


def wait_ready(
    child: subprocess.Popen[bytes], ready: Callable[[], bool], data_dir: Path, *, seconds: float = 120
) -> None:
    """Return once `ready()`; raise `SystemFailedError` when the child ends or time is up."""
    end = time.monotonic() + seconds
    while not ready():
        if child.poll() is not None:
            raise SystemFailedError(f"costguard up exited with {child.returncode}:\n{log_tail(data_dir)}")
        if time.monotonic() > end:
            raise SystemFailedError(f"the system was not ready in {seconds:.0f} s:\n{log_tail(data_dir)}")
        time.sleep(0.1)


def log_path(data_dir: Path) -> Path:
    """Return the file that the child's output goes to."""
    return data_dir / "up.log"


def log_tail(data_dir: Path) -> str:
    """Return the end of the child's output."""
    return log_path(data_dir).read_text(errors="replace")[-LOG_TAIL:]


def _stop(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is not None:
        return
    child.terminate()
    try:
        child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
