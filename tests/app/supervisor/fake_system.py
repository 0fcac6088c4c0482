"""A system of small scripts under the real supervisor, run as a process of its own so that it can be signalled.

Usage: fake_system.py DATA_DIR API_PORT SCRIPTS; SCRIPTS is JSON of name -> Python code, in which `broker` and
`redis` are the engines and the others programs. Notices go to stderr, readiness to stdout.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from app.adapters.loopback import Program
from app.settings import load_settings
from app.supervisor.child import Child, Spec
from app.supervisor.data_dir import locked
from app.supervisor.engines import Engines, SystemFailedError
from app.supervisor.system import System
from app.typed_toml import SettingsError

if TYPE_CHECKING:
    from app.settings import Settings

DATA_DIR, API_PORT = Path(sys.argv[1]), sys.argv[2]
SCRIPTS: dict[str, str] = orjson.loads(sys.argv[3])
ENGINES = ("broker", "redis")
STOP_SECONDS = 1.0


def program(name: str) -> Program:
    arguments = (sys.executable, "-c", SCRIPTS[name], name, str(DATA_DIR / "events"), API_PORT)
    return Program(sys.executable, arguments, {})


class FakeEngines(Engines):
    async def start_broker(self) -> Child | None:
        return await self._start("broker", program("broker"), started)

    async def start_redis(self) -> tuple[str, Child | None]:
        return "redis://127.0.0.1:1/0", await self._start("redis", program("redis"), started)

    async def make_topics(self, settings: Settings) -> None:
        assert settings.bootstrap


async def started() -> bool:
    return True


class Voice:
    def notice(self, line: str) -> None:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()

    def ready(self, line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


def specs(settings: Settings) -> list[Spec]:
    return [
        Spec(name, program(name), settings.data_dir / "logs" / f"{name}.log", settings.data_dir)
        for name in SCRIPTS
        if name not in ENGINES
    ]


async def run() -> int:
    settings = load_settings({}, {"data_dir": str(DATA_DIR), "api_port": API_PORT})
    with locked(settings.data_dir):
        system = System(settings, Voice(), engines=FakeEngines(settings), programs=specs, stop_seconds=STOP_SECONDS)
        return await system.run()


try:
    sys.exit(asyncio.run(run()))
except (SettingsError, SystemFailedError) as error:
    sys.exit(str(error))
