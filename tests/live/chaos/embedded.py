"""The faults that a system on the embedded broker can survive; when that broker itself ends, all is over."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Final

from tests.live.chaos.faults import Fault, delete_tables, freeze_a_worker, kill_a_worker

if TYPE_CHECKING:
    from tests.live.chaos.cluster import Cluster
    from tests.live.system import System


async def kill_redis(system: System, _: Cluster | None) -> None:
    """Kill Redis; `up` starts it again, empty."""
    system.signal("valkey-server", signal.SIGKILL)


async def restart_politely(system: System, _: Cluster | None) -> None:
    """End a worker with SIGTERM; `up` starts it again."""
    system.signal("worker", signal.SIGTERM)


EMBEDDED_FAULTS: Final = (
    Fault("kill -9 of the only worker", kill_a_worker, times=3),
    Fault("kill -9 of one worker of two", kill_a_worker, times=3, workers=2),
    Fault("a worker restarted politely", restart_politely),
    Fault("a worker frozen past its session", freeze_a_worker, workers=2),
    Fault("RocksDB deleted", delete_tables),
    Fault("Redis killed", kill_redis),
)
