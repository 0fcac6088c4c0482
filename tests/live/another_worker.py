"""One more worker process than `up` keeps: it joins, and leaves when it is told to."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app.supervisor.tether import tether

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.live.system import System

INDEX: Final = 7
PROJECT: Final = Path(__file__).parents[2]


@dataclass(frozen=True)
class AnotherWorker:
    """A worker with an index of its own."""

    index: int
    process: subprocess.Popen[bytes]

    def leave(self, seconds: float) -> int:
        """Ask it to end, as an operator would; return its exit code."""
        self.process.terminate()
        return self.process.wait(seconds)


@contextmanager
def another_worker(system: System) -> Iterator[AnotherWorker]:
    """Run one more worker, for as long as the block lasts at most."""
    command = (sys.executable, "-m", "app", "worker", "--index", str(INDEX))
    log = system.directory / "var" / "logs" / f"worker-{INDEX}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=PROJECT,
            env=system.variables(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            preexec_fn=tether(os.getpid()),  # noqa: PLW1509 - it takes no locks
        )
    try:
        yield AnotherWorker(INDEX, process)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
