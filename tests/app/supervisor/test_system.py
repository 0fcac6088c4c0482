"""The supervisor with small scripts for children: starting again, stopping in order, leaving nobody behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import pytest

from app.adapters.loopback import free_port
from app.runtime import NotRunningError, read_runtime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FAKE = Path(__file__).with_name("fake_system.py")
PROJECT = Path(__file__).parents[3]
PATIENCE = 20.0

# What every script starts with: it writes `started NAME PID`, and on SIGTERM `stopped NAME PID`.
NOTES = """
import os, signal, sys
name, events, port = sys.argv[1:]
def note(what):
    with open(events, "a") as file:
        file.write(f"{what} {name} {os.getpid()}\\n")
def stop(*_):
    note("stopped")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
note("started")
"""
OBEDIENT = NOTES + "while True: signal.pause()"
STUBBORN = NOTES + "signal.signal(signal.SIGTERM, lambda *_: note('ignored'))\nwhile True: signal.pause()"
CRASHING = NOTES + "sys.exit('out of luck')"
# Ready once an engine and it have started.
API = (
    NOTES
    + """
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/readyz" else 404)
        self.end_headers()
HTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()
"""
)
WHOLE = {"broker": OBEDIENT, "redis": OBEDIENT, "api": API, "worker-0": OBEDIENT}


class Running:
    """A fake system that runs in `directory`."""

    def __init__(self, directory: Path, scripts: dict[str, str]) -> None:
        self.directory = directory
        command = [sys.executable, str(FAKE), str(directory), str(free_port()), orjson.dumps(scripts).decode()]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={"PYTHONPATH": str(PROJECT), "PATH": os.environ["PATH"]},
        )

    def events(self) -> list[tuple[str, str, int]]:
        """Return `(started | stopped | ignored, name, pid)`, in order."""
        file = self.directory / "events"
        lines = file.read_text().splitlines() if file.exists() else []
        return [(what, name, int(pid)) for what, name, pid in (line.split() for line in lines)]

    def pids(self, what: str, name: str) -> list[int]:
        return [pid for event, of, pid in self.events() if (event, of) == (what, name)]

    def alive(self) -> list[int]:
        return [pid for what, _, pid in self.events() if what == "started" and alive(pid)]

    def started(self, *names: str, times: int = 1) -> None:
        wait_until(lambda: all(len(self.pids("started", name)) >= times for name in names))

    def ends(self) -> tuple[int, str, str]:
        """Wait for the end; return the exit code, what was said of readiness, and the notices."""
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out, err


@contextmanager
def running(directory: Path, scripts: dict[str, str]) -> Iterator[Running]:
    system = Running(directory, scripts)
    try:
        yield system
    finally:
        if system.process.poll() is None:
            system.process.kill()
            system.process.communicate()
        wait_until(lambda: not system.alive())


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not become true"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_it_says_that_it_is_ready_once_the_api_says_so(tmp_path: Path) -> None:
    with running(tmp_path, WHOLE) as system:
        assert system.process.stdout is not None
        line = system.process.stdout.readline()
        runtime = read_runtime(tmp_path)
        system.process.terminate()
        code, more, _ = system.ends()
    assert line.startswith(f"Ready: {runtime.api}, Kafka at {runtime.broker}, 1 worker, ")
    assert runtime.pid == system.process.pid
    assert (code, more) == (0, "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_programs_before_redis_and_redis_before_the_broker(
    tmp_path: Path, number: signal.Signals
) -> None:
    with running(tmp_path, WHOLE) as system:
        system.started(*WHOLE)
        system.process.send_signal(number)
        code, _, notices = system.ends()
    stopped = [name for what, name, _ in system.events() if what == "stopped"]
    assert (code, notices.splitlines()) == (0, ["starting broker, Redis, API, effects and 1 worker", "stopping"])
    assert sorted(stopped[:2]) == ["api", "worker-0"]
    assert stopped[2:] == ["redis", "broker"]


def test_addresses_are_withdrawn_when_it_stops(tmp_path: Path) -> None:
    with running(tmp_path, WHOLE) as system:
        system.started(*WHOLE)
        system.process.terminate()
        system.ends()
    with pytest.raises(NotRunningError):
        read_runtime(tmp_path)


def test_a_crashed_child_starts_again_and_its_last_words_are_told(tmp_path: Path) -> None:
    with running(tmp_path, WHOLE | {"effects": CRASHING}) as system:
        system.started("effects", times=3)
        system.process.terminate()
        code, _, notices = system.ends()
    assert code == 0
    assert notices.splitlines()[1:3] == [
        "effects ended (exit code 1) and starts again in 0.5 s; its log ends: out of luck",
        "effects ended (exit code 1) and starts again in 1 s; its log ends: out of luck",
    ]
    assert len(system.pids("started", "worker-0")) == 1


def test_a_killed_worker_and_a_killed_redis_start_again(tmp_path: Path) -> None:
    with running(tmp_path, WHOLE) as system:
        system.started(*WHOLE)
        for name in ("worker-0", "redis"):
            os.kill(system.pids("started", name)[0], signal.SIGKILL)
        system.started("worker-0", "redis", times=2)
        system.process.terminate()
        code, _, notices = system.ends()
    assert code == 0
    assert notices.count("(signal SIGKILL) and starts again in 0.5 s") == 2


def test_when_the_broker_dies_everything_stops_and_it_says_why(tmp_path: Path) -> None:
    with running(tmp_path, WHOLE) as system:
        system.started(*WHOLE)
        os.kill(system.pids("started", "broker")[0], signal.SIGKILL)
        code, _, notices = system.ends()
    assert code == 1
    assert "the embedded broker ended (signal SIGKILL), and with it everything it held" in notices
    assert all(system.pids("stopped", name) for name in ("api", "worker-0", "redis"))


def test_an_engine_that_does_not_start_is_told_with_its_last_words(tmp_path: Path) -> None:
    # It ends while it is being waited for, or just after; either way nothing else is left running.
    with running(tmp_path, WHOLE | {"broker": CRASHING}) as system:
        code, _, notices = system.ends()
    assert code == 1
    assert "the embedded broker" in notices


def test_a_child_that_does_not_stop_is_killed(tmp_path: Path) -> None:
    with running(tmp_path, WHOLE | {"worker-0": STUBBORN}) as system:
        system.started(*WHOLE)
        system.process.terminate()
        code, _, _ = system.ends()
    assert code == 0
    assert system.pids("ignored", "worker-0")
    assert system.pids("stopped", "broker")


def test_a_second_signal_ends_all_at_once(tmp_path: Path) -> None:
    with running(tmp_path, WHOLE | {"worker-0": STUBBORN}) as system:
        system.started(*WHOLE)
        system.process.terminate()
        wait_until(lambda: bool(system.pids("ignored", "worker-0")))
        system.process.terminate()
        code, _, _ = system.ends()
    assert code == 0
    assert not system.pids("stopped", "broker")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a child's life to its parent's")
def test_children_die_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    with running(tmp_path, WHOLE) as system:
        system.started(*WHOLE)
        assert len(system.alive()) == len(WHOLE)
        system.process.kill()
        wait_until(lambda: not system.alive())
    assert not [event for event in system.events() if event[0] == "stopped"]


def test_a_second_system_in_the_same_directory_is_refused(tmp_path: Path) -> None:
    with running(tmp_path, WHOLE) as first:
        first.started(*WHOLE)
        with running(tmp_path, WHOLE) as second:
            code, _, notices = second.ends()
            assert code == 1
            line = f"COSTGUARD_DATA_DIR: costguard up is running in {tmp_path} (process {first.process.pid})\n"
            assert notices == line
            assert len(first.events()) == len(WHOLE)
            first.process.kill()


def test_a_directory_can_be_used_again_after_a_kill(tmp_path: Path) -> None:
    with running(tmp_path, WHOLE) as first:
        first.started(*WHOLE)
        first.process.kill()
    with running(tmp_path, WHOLE) as second:
        second.started(*WHOLE, times=2)
