"""A server process of the tests: its own directory and log, waited for, stopped by its own process id."""

from __future__ import annotations

import socket
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LOOPBACK: Final = "127.0.0.1"
START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 15.0
POLL_SECONDS: Final = 0.05


class ServerFailedError(Exception):
    """A server did not start; the text holds the end of its log."""


def free_port() -> int:
    """Return a port of loopback on which nothing listens."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def accepts(port: int) -> bool:
    """Tell whether something listens on a port of loopback."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


@dataclass
class Server:
    """A program that listens on a port of loopback."""

    name: str
    command: Sequence[str]
    port: int
    directory: Path
    _process: subprocess.Popen[bytes] | None = field(init=False, default=None)

    @property
    def log(self) -> Path:
        """The file that holds the output."""
        return self.directory / f"{self.name}.log"

    def start(self) -> None:
        """Return once the port accepts connections. Raises `ServerFailedError`."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command, cwd=self.directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        end = time.monotonic() + START_SECONDS
        while not accepts(self.port):
            if self._process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise ServerFailedError(f"{self.name} did not start:\n{self.tail()}")
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """Ask the process to end, then end it."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def kill(self) -> None:
        """End the process as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def tail(self) -> str:
        """Return the end of the log."""
        return self.log.read_text(errors="replace")[-2000:]
