"""`latency`: from an event sent to Kafka until `GET /costs` shows it, and until it has changed a flag, under load.

One system for all rounds, the loads interleaved. Percentiles are over the probes of all rounds: medians of rounds would
hide the tail that they are about.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from bench.latency.probes import Prober
from bench.percentiles import milliseconds
from bench.processes import figures
from bench.progress import steps
from bench.systems import system

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.options import Options
    from bench.progress import Steps
    from bench.rounds import Figure
    from tests.live.system import System

RATES: Final = (1_000, 20_000, 50_000)
WARM_UP_SECONDS: Final = 3.0


@dataclass
class Measured:
    """What came of one load: seconds by probe and by answer of the API, events per second that were really sent."""

    visible: list[float] = field(default_factory=list)
    switched: list[float] = field(default_factory=list)
    asking: list[float] = field(default_factory=list)
    probes: int = 0
    rates: list[float] = field(default_factory=list)


def measure(options: Options) -> Iterator[Figure]:
    """Yield two figures per load."""
    probes, seconds, rounds = (20, 5.0, 1) if options.quick else (40, 10.0, 5)
    with steps("latency", len(RATES) * rounds) as bar, system(options.broker) as running:
        measured = asyncio.run(_rounds(running, bar, probes, seconds, rounds))
    for rate, found in measured.items():
        for name, delays in (("visible", found.visible), ("flag-changed", found.switched)):
            yield {
                "figure": f"latency/{options.broker}/{rate}-per-second/{name}",
                **milliseconds(delays),
                "probes": found.probes,
                "unseen": found.probes - len(delays),
                "sent_per_second": round(min(found.rates)),
                "answer_p50_ms": milliseconds(found.asking)["p50_ms"],
            }


async def _rounds(running: System, bar: Steps, probes: int, seconds: float, rounds: int) -> dict[int, Measured]:
    measured = {rate: Measured() for rate in RATES}
    async with Prober(running) as prober:
        for number in range(rounds):
            for rate in RATES:
                with bar.step(f"round {number + 1}/{rounds} {rate:,} events/s"):
                    names = [f"probe-{number}-{rate}-{probe}" for probe in range(probes)]
                    await _load(running, prober, rate, names, seconds, measured[rate])
    return measured


async def _load(
    running: System, prober: Prober, rate: int, names: list[str], seconds: float, measured: Measured
) -> None:
    """Probe under one load, and leave the system idle."""
    await prober.set_budgets(names)
    topic = f"{running.broker.prefix}usage-metered"
    arguments = (running.broker.bootstrap, topic, str(rate), str(WARM_UP_SECONDS + seconds))
    producer = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.latency.producer", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    await asyncio.sleep(WARM_UP_SECONDS)
    times = await prober.probe(names, seconds=seconds)
    measured.rates.append(figures(*await producer.communicate())["events_per_second"])
    measured.visible += times.delays(times.visible)
    measured.switched += times.delays(times.switched)
    measured.asking += times.asking
    measured.probes += len(names)
    await prober.until_idle()
    await prober.delete_budgets(names)
