"""`scale`: CPU seconds per million events, over all workers of a whole system, by workers and by scopes.

CPU, not elapsed time: workers share the cores of this machine with broker, Redis and the rest of the system, so adding
one cannot make it faster here; but it must not make an event dearer. The clock runs from the first event sent until the
last is in the tables and in the view.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NamedTuple

import psutil

from app import folded
from app.adapters.redis_view import RedisView
from app.runtime import read_runtime
from bench.fill import fill
from bench.full.events import usage_events
from bench.processes import FailedError
from bench.progress import steps
from bench.rounds import CPU, Contender, Figure, Results, interleave
from bench.systems import system

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.options import Options
    from tests.live.system import System

RESIDENT: Final = "resident_mb"
MEBIBYTE: Final = 1024 * 1024


class Case(NamedTuple):
    """So many workers fold events of so many scopes."""

    workers: int
    scopes: int

    @property
    def name(self) -> str:
        """How the figure is called."""
        return f"{self.workers}-workers-{self.scopes}-scopes"


BASE: Final = Case(1, 1_000)
CASES: Final = (BASE, Case(2, 1_000), Case(4, 1_000), Case(1, 10_000), Case(1, 100_000), Case(1, 1_000_000))
QUICK: Final = (BASE, Case(2, 1_000), Case(1, 10_000))


def measure(options: Options) -> Iterator[Figure]:
    """Yield a figure per case."""
    events, rounds, cases = (50_000, 1, QUICK) if options.quick else (300_000, 5, CASES)
    contenders = [Contender(case.name, _measuring(options.broker, case, _events(events, case))) for case in cases]
    with steps("scale", len(cases) * rounds) as bar:
        results = interleave(contenders, rounds, bar)
    for case in cases:
        yield {
            "figure": f"scale/{options.broker}/costguard/{case.name}",
            "workers": case.workers,
            "scopes": case.scopes,
            **_figure(results, case.name),
            "events": _events(events, case),
        }


def _events(events: int, case: Case) -> int:
    """Return how many events show so many scopes: fewer than one each would not."""
    return max(events, case.scopes)


def _measuring(broker: str, case: Case, events: int) -> Callable[[int], Figure]:
    def measure_once(number: int) -> Figure:
        del number
        with system(broker, workers=case.workers) as running:
            workers = [psutil.Process(pid) for pid in running.children("worker")]
            before = _cpu(workers)
            try:
                asyncio.run(_fold(running, case.scopes, events))
            except folded.NotFoldedError as error:
                raise FailedError(str(error)) from None
            resident = sum(worker.memory_info().rss for worker in workers)
            return {CPU: (_cpu(workers) - before) / events * 1e6, RESIDENT: resident / MEBIBYTE}

    return measure_once


async def _fold(running: System, scopes: int, events: int) -> None:
    topic = f"{running.broker.prefix}usage-metered"
    runtime = read_runtime(running.directory / "var")
    view = RedisView.connect(runtime.redis, runtime.view_prefix)
    last = await fill(running.broker.bootstrap, topic, usage_events(events, scopes))
    await folded.wait_until_folded(lambda: view.documents("progress"), last)
    await view.close()


def _cpu(processes: list[psutil.Process]) -> float:
    times = [process.cpu_times() for process in processes]
    return sum(one.user + one.system for one in times)


def _figure(results: Results, name: str) -> Figure:
    if name in results.failed:
        return {"skipped": results.failed[name]}
    return {
        CPU: round(results.median(name, CPU), 2),
        "cpu_ratio_to_base": results.ratio(BASE.name, name, CPU),
        RESIDENT: round(results.median(name, RESIDENT)),
        "rounds": len(results.measured[name]),
    }
