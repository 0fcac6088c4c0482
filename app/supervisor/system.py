"""The life of a system: engines up, topics made, programs kept running, all of it stopped in order."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol

from app.runtime import Runtime, remove_runtime, write_runtime
from app.supervisor import plan, probes
from app.supervisor.backoff import Backoff
from app.supervisor.child import Child, described
from app.supervisor.data_dir import forget_tables, locked
from app.supervisor.engines import Engines, SystemFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence

    from app.settings import Settings
    from app.supervisor.child import Spec

PROGRAM_STOP_SECONDS: Final = 10.0
SLOW_START_SECONDS: Final = 60.0
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Voice(Protocol):
    """How the supervisor speaks: one line at a time."""

    def notice(self, line: str) -> None:
        """Say what a person should know."""

    def ready(self, line: str) -> None:
        """Say that everything is ready, once."""


async def run(settings: Settings, inherited: Mapping[str, str], voice: Voice, *, imports: bool = False) -> int:
    """Run a system until SIGINT, SIGTERM or SIGHUP; return the exit code, 0. `imports`: with an importer of bills.

    Raises `SettingsError` when it cannot start because of what is configured, `SystemFailedError` when it
    cannot go on. A second signal ends the children at once.
    """
    with locked(settings.data_dir):
        probes.require_free_ports(settings)
        if settings.starts_broker:
            forget_tables(settings.data_dir)
        system = System(
            settings,
            voice,
            engines=Engines(settings),
            programs=lambda known: plan.programs(known, inherited, imports=imports),
        )
        return await system.run()


class System:
    """Everything that runs below one `up`; `programs` is asked once it is known where the engines listen."""

    def __init__(
        self,
        settings: Settings,
        voice: Voice,
        *,
        engines: Engines,
        programs: Callable[[Settings], Sequence[Spec]],
        stop_seconds: float = PROGRAM_STOP_SECONDS,
    ) -> None:
        self._settings = settings
        self._voice = voice
        self._engines = engines
        self._planned = programs
        self._stop_seconds = stop_seconds
        self._programs: list[Child] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._over: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def run(self) -> int:
        """Start everything, wait for a signal or a failure, stop everything."""
        with _signals(self._on_signal):
            self._spawn(self._bring_up())
            try:
                return await self._over
            finally:
                await self._shut_down()

    async def _bring_up(self) -> None:
        self._voice.notice(f"starting {_parts(self._settings)}")
        broker = await self._engines.start_broker()
        if broker is not None:
            self._spawn(self._mourn(broker))
        redis_url, redis = await self._engines.start_redis()
        if redis is not None:
            self._spawn(self._keep(redis))
        settings = plan.with_engines(self._settings, redis_url)
        await self._engines.make_topics(settings)
        write_runtime(settings.data_dir, _runtime(settings))
        for spec in self._planned(settings):
            await self._start(spec)
        self._spawn(self._announce(settings))

    async def _start(self, spec: Spec) -> None:
        child = Child(spec)
        self._programs.append(child)
        await child.start()
        self._spawn(self._keep(child))

    async def _keep(self, child: Child) -> None:
        """Start a child again whenever it ends."""
        backoff, loop = Backoff(), asyncio.get_running_loop()
        while True:
            began = loop.time()
            code = await child.ended()
            wait = backoff.after(loop.time() - began)
            how = f"{child.spec.name} ended ({described(code)})"
            self._voice.notice(f"{how} and starts again in {wait:g} s; its log ends: {child.last_words()}")
            await asyncio.sleep(wait)
            await child.start()

    async def _mourn(self, broker: Child) -> None:
        code = await broker.ended()
        how = f"the embedded broker ended ({described(code)})"
        raise SystemFailedError(f"{how}, and with it everything it held; its log ends: {broker.last_words()}")

    async def _announce(self, settings: Settings) -> None:
        if not await probes.until(lambda: probes.is_ready(settings), SLOW_START_SECONDS):
            self._voice.notice(f"not ready after {SLOW_START_SECONDS:.0f} s; logs are in {settings.data_dir}/logs")
            await probes.until(lambda: probes.is_ready(settings), None)
        self._voice.ready(_ready_line(settings))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something beside; when it fails, the system ends with its error."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._on_done)

    def _on_done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        if not self._over.done():
            self._over.set_exception(error)

    def _on_signal(self) -> None:
        if not self._over.done():
            self._over.set_result(0)
            return
        for child in (*self._programs, *self._engines.children):
            child.kill()

    async def _shut_down(self) -> None:
        """Stop programs before the engines that they write to."""
        self._voice.notice("stopping")
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        remove_runtime(self._settings.data_dir)
        await asyncio.gather(*(child.stop(self._stop_seconds) for child in self._programs))
        await self._engines.stop()


@contextmanager
def _signals(handler: Any) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, handler)
    try:
        yield
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


def _api(settings: Settings) -> str:
    host = f"[{settings.api_host}]" if ":" in settings.api_host else settings.api_host
    return f"http://{host}:{settings.api_port}"


def _runtime(settings: Settings) -> Runtime:
    return Runtime(
        broker=settings.bootstrap,
        redis=settings.redis_url,
        api=_api(settings),
        topic_prefix=settings.topic_prefix,
        view_prefix=settings.view_prefix,
        pid=os.getpid(),
    )


def _parts(settings: Settings) -> str:
    """Name what is started."""
    engines = [
        *(["broker"] if settings.starts_broker else []),
        *(["Redis"] if settings.starts_redis else []),
    ]
    return f"{', '.join([*engines, 'API', 'effects'])} and {_workers(settings)}"


def _workers(settings: Settings) -> str:
    return "1 worker" if settings.workers == 1 else f"{settings.workers} workers"


def _ready_line(settings: Settings) -> str:
    return (
        f"Ready: {_api(settings)}, Kafka at {settings.bootstrap}, {_workers(settings)}, "
        f"logs in {settings.data_dir / 'logs'}. Ctrl-C stops it."
    )
