"""`full`: the whole metering path of one worker beside a bare consumer and idiomatic Faust, on the same bytes."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from bench.fill import PARTITIONS, fill
from bench.full.events import usage_events
from bench.processes import run
from bench.progress import steps
from bench.rounds import CPU, SPEED, Contender, Figure, Results, interleave
from bench.servers import Servers, servers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.options import Options

OURS: Final = "costguard-worker"
RAW: Final = "raw-aiokafka"
IDIOMATIC: Final = "idiomatic-faust"
CONTENDERS: Final = (RAW, OURS, IDIOMATIC)
SCOPES: Final = (1_000, 100_000)
STAGES: Final = ("stage_cpu_s_per_million", "stage_s_per_million")


def measure(options: Options) -> Iterator[Figure]:
    """Yield a figure per number of scopes and contender."""
    events, slow, rounds = (100_000, 3_000, 1) if options.quick else (300_000, 6_000, 5)
    with steps("full", len(SCOPES) * len(CONTENDERS) * rounds) as bar:
        for scopes in SCOPES:
            # Servers of their own: the embedded broker keeps everything in memory.
            with servers(options.broker) as running, ExitStack() as stack:
                contenders = _contenders(running, stack, scopes, events, slow)
                results = interleave(contenders, rounds, bar)
            for name in CONTENDERS:
                figure = f"full/{options.broker}/{scopes}-scopes/{name}"
                yield {"figure": figure, "scopes": scopes, **_figure(results, name)}


def _contenders(running: Servers, stack: ExitStack, scopes: int, events: int, slow: int) -> list[Contender]:
    topic = "usage-metered"

    def raw(number: int) -> Figure:
        # Every round has its own prefix, so that the worker finds no state; the same events lie below each.
        asyncio.run(fill(running.bootstrap, f"round-{number}-{topic}", usage_events(events, scopes)))
        return run("bench.full.peers", RAW, running.bootstrap, f"round-{number}-{topic}", str(events))

    def ours(number: int) -> Figure:
        environment = {
            **running.environment,
            "COSTGUARD_TOPIC_PREFIX": f"round-{number}-",
            "COSTGUARD_DATA_DIR": stack.enter_context(TemporaryDirectory()),
            "COSTGUARD_PARTITIONS": str(PARTITIONS),
        }
        return run("bench.full.worker", str(events), environment=environment)

    def idiomatic(number: int) -> Figure:
        return run("bench.full.peers", IDIOMATIC, running.bootstrap, f"round-{number}-{topic}", str(slow))

    return [Contender(RAW, raw), Contender(OURS, ours), Contender(IDIOMATIC, idiomatic)]


def _figure(results: Results, name: str) -> Figure:
    if name in results.failed:
        return {"skipped": results.failed[name]}
    figure: Figure = {
        SPEED: round(results.median(name, SPEED)),
        CPU: round(results.median(name, CPU), 2),
        "ratio_to_raw_aiokafka": results.ratio(name, RAW),
        "cpu_ratio_to_raw_aiokafka": results.ratio(RAW, name, CPU),
        **results.by_round(name),
    }
    for name_of in STAGES:
        if stages := [one[name_of] for one in results.measured[name] if name_of in one]:
            figure[name_of] = {stage: round(median(one[stage] for one in stages), 2) for stage in stages[0]}
    return figure
