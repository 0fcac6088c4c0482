"""`costguard up` as an operator meets it: a command, HTTP, Kafka, and processes that can be killed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx

from app.supervisor.tether import tether
from tests.live.servers.process import LOOPBACK, free_port
from tests.live.waiting import asking, eventually

if TYPE_CHECKING:
    import signal
    from collections.abc import Mapping, Sequence

    from tests.live.broker import Broker
    from tests.live.engines import Engine

COSTGUARD: Final = Path(sys.executable).with_name("costguard")
START_SECONDS: Final = 120.0
STOP_SECONDS: Final = 40.0
# Long enough for a busy machine; the embedded broker lets the first member of a group wait half of it.
SESSION_SECONDS: Final = 4
EVER: Final = {"start": "2023-01-01T00:00:00Z", "end": "2027-01-01T00:00:00Z"}


@dataclass
class System:
    """One system in a directory of its own."""

    directory: Path
    engine: Engine
    workers: int = 1
    config: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    api_port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = field(init=False, default=None)

    @property
    def broker(self) -> Broker:
        """The topics of this system."""
        return self.engine.broker

    @property
    def api(self) -> str:
        """Base URL of the API."""
        return f"http://{LOOPBACK}:{self.api_port}"

    @property
    def pid(self) -> int:
        """Process id of `up`."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start `up`; return once `/readyz` says so."""
        with (self.directory / "up.log").open("ab") as log:
            self._process = subprocess.Popen(
                (COSTGUARD, "up"),
                cwd=self.directory,
                env=self.variables(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=tether(os.getpid()),  # noqa: PLW1509 - it takes no locks
            )
        end = time.monotonic() + START_SECONDS
        while not self.ready():
            code = self._process.poll()
            assert code is None, f"costguard up exited with {code}:\n{self.logs()}"
            assert time.monotonic() < end, f"not ready in {START_SECONDS:g} s:\n{self.logs()}"
            time.sleep(0.1)

    def stop(self) -> int:
        """Stop `up` as an operator would, and return its exit code."""
        if self._process is None:
            return 0
        self._process.terminate()
        try:
            return self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def run(self, *arguments: str, errors: bool = False) -> str:
        """Run another command against this system and return what it printed; with `errors` what it said beside it."""
        done = subprocess.run(
            (COSTGUARD, *arguments),
            cwd=self.directory,
            env=self.variables(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"costguard {' '.join(arguments)}: {done.returncode}\n{done.stderr}"
        return done.stderr if errors else done.stdout

    def ready(self) -> bool:
        """Tell whether every partition is assigned and recovered."""
        try:
            return httpx.get(f"{self.api}/readyz", timeout=5).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Call a route; options are those of `httpx.request`."""
        return httpx.request(method, self.api + path, timeout=30, **options)

    def get(self, path: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """Return the JSON of a route."""
        response = self.request("GET", path, params=parameters)
        assert response.status_code == httpx.codes.OK, f"{path}: {response.status_code} {response.text[:500]}"
        return response.json()

    def total(self, **filters: str) -> Decimal:
        """Return the cost of everything that ever happened in a scope."""
        return Decimal(self.get("/costs", EVER | filters)["total"])

    def costs(self, *dimensions: str, **filters: str) -> dict[tuple[str, ...], Decimal]:
        """Return the cost by dimensions."""
        body = self.get("/costs", EVER | filters | {"group_by": ",".join(dimensions)})
        return {
            tuple(group["key"][dimension] for dimension in dimensions): Decimal(group["amount"])
            for group in body["groups"]
        }

    async def until_total(self, expected: Decimal, *, seconds: float = 90, **filters: str) -> None:
        """Return once `GET /costs` answers exactly so much."""
        read = asking(lambda: self.total(**filters))
        await eventually(read, lambda total: total == expected, seconds=seconds)

    def children(self, role: str) -> list[int]:
        """Return the processes below `up` whose command line names the role."""
        rows = [line.split(None, 2) for line in _ps()]
        parents = {int(pid): int(parent) for pid, parent, _ in rows}
        named = [int(pid) for pid, _, command in rows if role in command.split()]
        return [pid for pid in named if _descends(pid, self.pid, parents)]

    def partitions_of(self, index: int) -> int:
        """Count the partitions of all tables that a worker has taken over."""
        workers = self.request("GET", "/readyz").json()["workers"]
        owned = [worker["partitions"] for name, worker in workers.items() if name.endswith(f"-{index}")]
        return sum(len(partitions) for tables in owned for partitions in tables.values())

    def tables(self, pid: int) -> Path:
        """Return the directory in which a worker process has its tables."""
        (index,) = (line.rpartition(" ")[2] for line in _ps() if int(line.split(None, 1)[0]) == pid)
        return self.directory / "var" / "tables" / f"worker-{index}"

    def peak_mb(self, pid: int) -> int:
        """Return the most memory that a process has held, in MB; 0 where the system does not tell."""
        status = Path(f"/proc/{pid}/status")
        lines = status.read_text().splitlines() if status.exists() else []
        return next((int(line.split()[1]) // 1000 for line in lines if line.startswith("VmHWM")), 0)

    def signal(self, role: str, number: signal.Signals) -> int:
        """Send a signal to the first process of a role; return its process id."""
        pid = self.children(role)[0]
        os.kill(pid, number)
        return pid

    def variables(self) -> dict[str, str]:
        """Return the environment in which the commands of this system run."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("COSTGUARD_")}
        own = {
            "COSTGUARD_DATA_DIR": str(self.directory / "var"),
            "COSTGUARD_API_PORT": str(self.api_port),
            "COSTGUARD_WORKERS": str(self.workers),
            "COSTGUARD_SESSION_TIMEOUT": str(SESSION_SECONDS),
        }
        if self.config:
            path = self.directory / "costguard.toml"
            path.write_text(self.config)
            own["COSTGUARD_CONFIG"] = str(path)
        return {**inherited, **own, **self.engine.environment, **self.environment}

    def logs(self) -> str:
        """Return the end of every log."""
        files: Sequence[Path] = [self.directory / "up.log", *sorted(self.directory.glob("var/logs/*.log"))]
        return "\n".join(f"--- {file.name}\n{file.read_text(errors='replace')[-3000:]}" for file in files)


def _ps() -> list[str]:
    listed = subprocess.run(
        ("ps", "-eo", "pid=,ppid=,args="), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True
    )
    return listed.stdout.splitlines()


def _descends(pid: int, ancestor: int, parents: Mapping[int, int]) -> bool:
    while pid in parents and pid != ancestor:
        pid = parents[pid]
    return pid == ancestor
