"""What workers tell about themselves: which are alive, what they own, how far behind they are."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from app.api.ports import View
    from app.topics import Topics

KIND: Final = "workers"
SILENT_SECONDS: Final = 10.0


class Worker(msgspec.Struct, frozen=True):
    """The heartbeat of a process; `at` in epoch seconds, `lag` in records by topic."""

    role: str
    ready: bool
    at: float
    partitions: dict[str, list[int]] = {}
    lag: dict[str, int] = {}


_decode: Final = msgspec.json.Decoder(Worker).decode


async def alive(view: View, now: float) -> dict[str, Worker]:
    """Return the processes that were heard of within the last ten seconds, by name."""
    return alive_of(await view.documents(KIND), now)


def alive_of(heartbeats: Mapping[str, bytes], now: float) -> dict[str, Worker]:
    """Return the processes of which the heartbeat is not older, by name."""
    workers = {name: _decode(document) for name, document in heartbeats.items()}
    return {name: worker for name, worker in sorted(workers.items()) if now - worker.at < SILENT_SECONDS}


def lag(workers: Iterable[Worker]) -> dict[str, int]:
    """Return the records that are not yet folded or acted upon, by topic."""
    behind: Counter[str] = Counter()
    for worker in workers:
        behind.update(worker.lag)
    return dict(sorted(behind.items()))


def owned(workers: Iterable[Worker], topic: str) -> set[int]:
    """Return the partitions of a topic that a ready process owns."""
    return {partition for worker in workers if worker.ready for partition in worker.partitions.get(topic, ())}


def needed(topics: Topics) -> dict[str, tuple[str, ...]]:
    """Return by role the topics whose every partition must have an owner with recovered tables."""
    return {
        "worker": (topics.usage_metered, topics.cost_totals, topics.budget_commands),
        "effects": (topics.budget_threshold_crossed, topics.budget_status),
    }


def missing(workers: Collection[Worker], topics: Topics, partition_counts: Mapping[str, int]) -> dict[str, list[int]]:
    """Return the partitions that no ready process owns, by topic."""
    without_owner: dict[str, list[int]] = {}
    for role, names in needed(topics).items():
        having = [worker for worker in workers if worker.role == role]
        for topic in names:
            here = owned(having, topic)
            wanted = range(partition_counts.get(topic, 1))
            if lost := [partition for partition in wanted if partition not in here]:
                without_owner[topic] = lost
    return without_owner
