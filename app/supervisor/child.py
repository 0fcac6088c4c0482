"""One child process: started with its output in a log file, in its own process group, and never an orphan."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.adapters.loopback import Program
from app.supervisor import logs
from app.supervisor.tether import tether

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Spec:
    """What to run under which name, where its output goes, and the directory that it runs in."""

    name: str
    program: Program
    log: Path
    directory: Path


class Child:
    """A process of a spec; it may be started again after it has ended."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """Return the id of the process while it runs."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def start(self) -> None:
        """Run the program. Raises `OSError` when it cannot be executed."""
        program = self.spec.program
        with logs.open_log(self.spec.log) as log:
            self._process = await asyncio.create_subprocess_exec(
                *program.arguments,
                executable=program.executable,
                env=dict(program.environment),
                cwd=self.spec.directory,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C reaches a whole process group, but the supervisor stops its children in order.
                process_group=0,
                preexec_fn=tether(os.getpid()),
            )

    async def ended(self) -> int:
        """Wait for the process; return its exit code, or minus the signal that ended it."""
        if self._process is None:
            raise RuntimeError(f"{self.spec.name} was never started")
        return await self._process.wait()

    async def stop(self, seconds: float) -> None:
        """Ask the process to end and wait so long, then end it."""
        self._signal(signal.SIGTERM)
        if self._process is None:
            return
        try:
            await asyncio.wait_for(self._process.wait(), seconds)
        except TimeoutError:
            self.kill()
            await self._process.wait()

    def kill(self) -> None:
        """End the process at once, by its id."""
        self._signal(signal.SIGKILL)

    def last_words(self) -> str:
        """Return the last line of the log."""
        return logs.last_line(self.spec.log) or "(nothing)"

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)


def described(code: int) -> str:
    """Say how a process ended: `exit code 1`, `signal SIGKILL`."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"


def python(*arguments: str, environment: Mapping[str, str]) -> Program:
    """Return how to run a module of ours with this interpreter."""
    return Program(sys.executable, (sys.executable, "-m", *arguments), environment)
