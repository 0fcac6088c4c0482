"""Knowing that everything sent so far has been dealt with, without waiting for time to pass.

A fence is one more call of each tenant in each partition. A partition is metered in order, and a tenant has one
owner who takes a partition's totals in order; so once the fence's cost shows, everything before it shows, too.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Final

from tests.live import usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.live.system import System

_numbers: Final[Iterator[int]] = count()


async def passed(system: System, tenants: Iterable[str], *, seconds: float = 90) -> None:
    """Return once everything sent before is in `GET /costs`; adds a feature `fence-<n>` to each tenant."""
    feature = f"fence-{next(_numbers)}"
    calls = []
    for partition in await system.broker.partitions():
        own = [
            usage.call(f"{feature}-{tenant}-{partition}", 1000, 0, tenant=tenant, feature=feature) for tenant in tenants
        ]
        await system.broker.produce(own, partition=partition)
        calls += own
    for (tenant, _), expected in usage.costs(calls, "tenant", "feature").items():
        await system.until_total(expected, seconds=seconds, tenant=tenant, feature=feature)
