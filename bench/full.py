"""The metering path against its peers: interleaved rounds on one broker, medians, one JSON line per figure."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import orjson

from app.adapters.bulk_producer import BulkProducer
from app.adapters.kafka import create_topics
from bench.events import usage_events
from bench.servers import servers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.servers import Servers

PARTITIONS = 4
ROOT = Path(__file__).parent.parent


def measure(*, events: int, idiomatic_events: int, scopes: int, rounds: int) -> Iterator[dict[str, Any]]:
    """Yield one figure per contender: the median over the rounds, and its ratio to raw aiokafka."""
    found: dict[str, list[dict[str, float]]] = {}
    with servers() as running:
        for number in range(rounds):
            prefix = f"round-{number}-"
            asyncio.run(_fill(running.bootstrap, f"{prefix}usage-metered", events, scopes))
            for name, figures in _round(running, prefix, events, idiomatic_events):
                found.setdefault(name, []).append(figures)
                sys.stderr.write(f"round {number + 1}/{rounds} {name}: {figures}\n")
    raw = median(one["events_per_second"] for one in found["raw-aiokafka"])
    for name, rounds_of_it in found.items():
        speed = median(one["events_per_second"] for one in rounds_of_it)
        yield {
            "bench": "full",
            "contender": name,
            "scopes": scopes,
            "events_per_second": round(speed),
            "cpu_s_per_million": round(median(one["cpu_s_per_million"] for one in rounds_of_it), 2),
            "ratio_to_raw_aiokafka": round(speed / raw, 3),
            "rounds": rounds,
        }


def _round(running: Servers, prefix: str, events: int, idiomatic_events: int) -> Iterator[tuple[str, dict[str, float]]]:
    topic = f"{prefix}usage-metered"
    yield "raw-aiokafka", _run("bench.peers", "raw-aiokafka", running.bootstrap, topic, str(events))
    yield "costguard-worker", _worker(running, prefix, events)
    yield "idiomatic-faust", _run("bench.peers", "idiomatic-faust", running.bootstrap, topic, str(idiomatic_events))


def _worker(running: Servers, prefix: str, events: int) -> dict[str, float]:
    with TemporaryDirectory() as directory:
        environment = {
            "COSTGUARD_BROKER_URL": f"kafka://{running.bootstrap}",
            "COSTGUARD_BROKER_IS_EMBEDDED": "true",
            "COSTGUARD_REDIS_URL": running.redis,
            "COSTGUARD_TOPIC_PREFIX": prefix,
            "COSTGUARD_DATA_DIR": directory,
            "COSTGUARD_PARTITIONS": str(PARTITIONS),
        }
        return _run("bench.worker", str(events), environment=environment)


def _run(*arguments: str, environment: dict[str, str] | None = None) -> dict[str, float]:
    done = subprocess.run(
        (sys.executable, "-m", *arguments),
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=600,
        check=False,
    )
    # Faust prints a spinner, too.
    figures: dict[str, float] = orjson.loads(done.stdout[done.stdout.rindex(b"{") :])
    return figures


async def _fill(bootstrap: str, topic: str, events: int, scopes: int) -> None:
    await create_topics(bootstrap, {topic: {}}, partitions=PARTITIONS, replication=1)
    producer = BulkProducer(bootstrap, topic)
    await producer.start()
    chunk: list[tuple[bytes | None, bytes]] = []
    for record in usage_events(events, scopes):
        chunk.append(record)
        if len(chunk) == 5_000:
            await producer.send(chunk)
            chunk = []
    await producer.send(chunk)
    await producer.flush()
    await producer.stop()
