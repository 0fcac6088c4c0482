"""What goes wrong: each fault happens to a running system; it is over when its cause is, though not its effect."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import warnings
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from app.topics import MAX_RECORD_BYTES
from tests.live.another_worker import another_worker
from tests.live.chaos.cluster import outage
from tests.live.system import EVER, SESSION_SECONDS
from tests.live.waiting import asking, eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.live.chaos.cluster import Cluster
    from tests.live.system import System

# A worker that is told to end may take so long.
LEAVE_SECONDS: Final = 10.0
# Two copies are demanded of topics that have one: the brokers refuse to append.
REFUSING: Final = {"min.insync.replicas": "2"}
COMPACT: Final = {"cleanup.policy": "compact"}
# The cleaner takes all but the newest segment, once a tenth of a percent of it is worth cleaning. Segments end by time:
# a broker refuses a commit that is larger than a segment may be.
COMPACTED_SOON: Final = {
    **COMPACT,
    "max.message.bytes": str(MAX_RECORD_BYTES),
    "segment.ms": "1000",
    "min.cleanable.dirty.ratio": "0.001",
    "max.compaction.lag.ms": "100",
}

Strike = Callable[["System", Any], Awaitable[None]]

STANDBY: Final = (("COSTGUARD_STANDBY_REPLICAS", "1"),)


@dataclass(frozen=True)
class Fault:
    """One kind of fault: how often it happens in a run, and with how many workers."""

    name: str
    strike: Strike
    times: int = 2
    workers: int = 1
    environment: tuple[tuple[str, str], ...] = ()


async def kill_a_worker(system: System, _: Cluster) -> None:
    """End a worker with SIGKILL."""
    system.signal("worker", signal.SIGKILL)


async def freeze_a_worker(system: System, _: Cluster) -> None:
    """Stop a worker for longer than its session lasts; it wakes without knowing that its partitions have gone."""
    pid = system.signal("worker", signal.SIGSTOP)
    await asyncio.sleep(2.5 * SESSION_SECONDS)
    os.kill(pid, signal.SIGCONT)


async def a_worker_joins_and_leaves(system: System, _: Cluster) -> None:
    """Start one more worker, end it politely once it has partitions of its own."""
    with another_worker(system) as worker:
        await _has_partitions(system, worker.index)
        assert await asyncio.to_thread(worker.leave, LEAVE_SECONDS) == 0
    assert not system.partitions_of(worker.index), "it says that it has gone"


async def join_and_leave_while_another_recovers(system: System, _: Cluster) -> None:
    """Kill a worker; while it recovers, let another one join and leave."""
    with another_worker(system) as worker:
        system.signal("worker", signal.SIGKILL)
        await _has_partitions(system, worker.index)
        system.signal("worker", signal.SIGKILL)
        left = await asyncio.to_thread(worker.leave, LEAVE_SECONDS)
        # Partitions move again and again: one that it believes in may have a new owner, and then it ends by itself.
        if left != 0 and not _was_fenced(system, worker.index):
            # The figures are what is judged here; that it leaves with 0 is judged where nobody else recovers.
            warnings.warn(f"the worker that left in the midst of a recovery ended with {left}", stacklevel=2)


def _was_fenced(system: System, index: int) -> bool:
    log = system.directory / "var" / "logs" / f"worker-{index}.log"
    return "stopping: FencedError" in log.read_text()


async def restart_kafka(_: System, cluster: Cluster) -> None:
    """Stop both brokers and start them."""
    for server in (cluster.second, cluster.first):
        await asyncio.to_thread(server.stop)
    for server in (cluster.first, cluster.second):
        await asyncio.to_thread(server.start)


async def lose_leaders(_: System, cluster: Cluster) -> None:
    """Kill the broker that leads half of the partitions; nobody takes over from it."""
    await asyncio.to_thread(cluster.second.kill)
    await outage()
    await asyncio.to_thread(cluster.second.start)


async def refuse_producers(system: System, cluster: Cluster) -> None:
    """Let the brokers refuse whatever the system writes; the input goes on."""
    prefix = system.broker.prefix
    topics = [topic for topic in await cluster.topics(prefix) if topic != f"{prefix}usage-metered"]
    ordinary = {topic: COMPACT if topic.endswith("-changelog") else {} for topic in topics}
    await cluster.configure({topic: {**config, **REFUSING} for topic, config in ordinary.items()})
    await outage()
    await cluster.configure(ordinary)


async def empty_redis(system: System, cluster: Cluster) -> None:
    """Restart Redis, which keeps nothing; and again while it is shown everything."""
    for _ in range(2):
        await asyncio.to_thread(cluster.redis.kill)
        await asyncio.to_thread(cluster.redis.start)
        await eventually(asking(lambda: system.request("GET", "/costs", params=EVER).json().get("groups")), bool)


async def delete_tables(system: System, _: Cluster) -> None:
    """Delete what a worker has on its disk, and kill it."""
    pid = system.signal("worker", signal.SIGSTOP)
    _remove(system.tables(pid))
    os.kill(pid, signal.SIGKILL)


async def compact_and_delete_tables(system: System, cluster: Cluster) -> None:
    """Compact every changelog, then delete what a worker has on its disk, and kill it."""
    changelogs = [topic for topic in await cluster.topics(system.broker.prefix) if "-worker-" in topic]
    await cluster.configure(dict.fromkeys(changelogs, COMPACTED_SOON))
    (costs,) = (topic for topic in changelogs if "-costs-" in topic)
    await cluster.until_compacted(costs)
    await delete_tables(system, cluster)


async def fill_the_disk(system: System, _: Cluster) -> None:
    """Leave no byte free where the tables are, until a worker has died of it."""
    ballast = system.directory / "var" / "tables" / "ballast"
    workers = set(system.children("worker"))
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            pass
        await eventually(asking(lambda: set(system.children("worker"))), lambda now: not workers <= now, seconds=120)
    ballast.unlink()


def _remove(directory: Path) -> None:
    # At once: the next worker starts within half a second.
    grave = directory.with_name(f"{directory.name}-deleted")
    directory.rename(grave)
    shutil.rmtree(grave)


async def _has_partitions(system: System, index: int) -> None:
    await eventually(asking(lambda: system.partitions_of(index)), lambda owned: owned > 0)


FAULTS: Final = (
    Fault("none", kill_a_worker, times=0),
    Fault("kill -9 of the only worker", kill_a_worker, times=4),
    Fault("kill -9 of one worker of two", kill_a_worker, times=4, workers=2),
    Fault("the same, with standby tables", kill_a_worker, times=4, workers=2, environment=STANDBY),
    Fault("a worker frozen past its session", freeze_a_worker, times=4, workers=2),
    Fault("a worker joins, and leaves politely", a_worker_joins_and_leaves, times=3),
    Fault("join and leave during recovery", join_and_leave_while_another_recovers, times=2, workers=2),
    Fault("Kafka restarted", restart_kafka, workers=2),
    Fault("leaders gone for 20 s", lose_leaders),
    Fault("producers refused for 20 s", refuse_producers),
    Fault("Redis restarted empty", empty_redis, times=3, workers=2),
    Fault("RocksDB deleted", delete_tables, times=3, workers=2),
    Fault("changelogs compacted, RocksDB deleted", compact_and_delete_tables),
    Fault("disk full", fill_the_disk),
)
