"""`simple`: sums of units per key and minute over events of 100 bytes in 4 partitions, by everybody, on one broker.

A figure counts when the sums are the generator's own, to the last unit. A contender that cannot be installed or does
not run on this broker is a figure, too: `skipped`, with the reason.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.environments import python_of
from bench.fill import fill
from bench.processes import FailedError, run
from bench.progress import steps
from bench.rounds import CPU, SPEED, Contender, Figure, Results, interleave
from bench.servers import Servers, servers
from bench.simple.events import events, expected
from bench.simple.sums import digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.options import Options

CONTENDERS: Final = Path(__file__).parent / "contenders"
SEED: Final = 1
OURS: Final = "costguard"
RAW: Final = "aiokafka-getmany"
IDIOMATIC: Final = "faust-table"


class Peer(NamedTuple):
    """A contender: its module, its environment unless it is ours, and whether it is a framework with state."""

    module: str
    share: float
    environment: str = ""
    framework: bool = False


# `share` of the events, that all take seconds: a slow contender would take minutes for the same stream.
PEERS: Final = {
    OURS: Peer("costguard", 1),
    RAW: Peer("aiokafka_getmany", 1),
    "confluent-consume": Peer("confluent_consume", 1, "confluent-kafka"),
    "bytewax": Peer("bytewax_dataflow", 0.5, "bytewax", framework=True),
    "pathway": Peer("pathway_table", 0.5, "pathway", framework=True),
    "quix-streams": Peer("quix_streams", 0.05, "quixstreams", framework=True),
    "faust-take": Peer("faust_take", 0.02, framework=True),
    IDIOMATIC: Peer("faust_table", 0.006, framework=True),
}
TARGETS: Final = {"best framework": 1.2, RAW: 0.8, IDIOMATIC: 50.0}


def measure(options: Options) -> Iterator[Figure]:
    """Yield a figure per contender, then how ours compares with its targets."""
    events_, rounds = (200_000, 1) if options.quick else (1_000_000, 5)
    with ExitStack() as stack:
        bar = stack.enter_context(steps("simple", len(PEERS) * rounds))
        running = stack.enter_context(servers(options.broker))
        sums = {count: _fill(running, count) for count in sorted({_count(events_, peer) for peer in PEERS.values()})}
        contenders = [
            Contender(name, _measuring(running, name, peer, _count(events_, peer), sums))
            for name, peer in PEERS.items()
        ]
        results = interleave(contenders, rounds, bar)
    for name, peer in PEERS.items():
        yield {"figure": f"simple/{options.broker}/{name}", **_figure(results, name), "events": _count(events_, peer)}
    yield from _targets(results, options.broker)


def _count(events_: int, peer: Peer) -> int:
    return int(events_ * peer.share)


def _topic(count: int) -> str:
    return f"simple-{count}"


def _fill(running: Servers, count: int) -> str:
    asyncio.run(fill(running.bootstrap, _topic(count), events(count, SEED)))
    return digest(expected(count, SEED))


def _measuring(running: Servers, name: str, peer: Peer, count: int, sums: dict[int, str]) -> Callable[[int], Figure]:
    def measure_once(number: int) -> Figure:
        group = f"{name}-{number}"
        arguments = (running.bootstrap, running.broker, _topic(count), group, str(count))
        python = python_of(CONTENDERS / f"{peer.environment}.txt") if peer.environment else sys.executable
        return proven(run(f"bench.simple.contenders.{peer.module}", *arguments, python=python), sums[count])

    return measure_once


def proven(found: Figure, right: str) -> Figure:
    """Return what a contender measured, if its sums have the right digest. Raises `FailedError`."""
    if found["digest"] != right:
        raise FailedError(f"wrong sums: {found['cells']} cells, {found['units']} units")
    return found


def _figure(results: Results, name: str) -> Figure:
    if name in results.failed:
        return {"skipped": results.failed[name]}
    return {
        SPEED: round(results.median(name, SPEED)),
        CPU: round(results.median(name, CPU), 2),
        "ratio_to_raw_aiokafka": results.ratio(name, RAW),
        "cpu_ratio_to_raw_aiokafka": results.ratio(RAW, name, CPU),
        **results.by_round(name),
    }


def _targets(results: Results, broker: str) -> Iterator[Figure]:
    frameworks = [name for name, peer in PEERS.items() if peer.framework and name in results.measured]
    best = max(frameworks, key=lambda name: results.median(name, SPEED), default="")
    for target, wanted in TARGETS.items():
        peer = best if target == "best framework" else target
        yield {
            "figure": f"simple/{broker}/{OURS} to {target}",
            "peer": peer,
            "ratio": results.ratio(OURS, peer),
            "cpu_ratio": results.ratio(peer, OURS, CPU),
            "target": wanted,
        }
