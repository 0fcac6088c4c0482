"""What a node of a Kubernetes cluster costs its pods, and what of it is idle: requests against capacity.

The cost of a node is its processors' and its memory's, in the ratio of what those cost by themselves. Of each, a pod
bears what it requested of the capacity; what nobody requested is idle. On a node that is over-committed nothing is
idle, and requests share it. Pods and idle sum to the node, to the last unit.

Idle cost is a charge as any other: a rule shares it, or it stays to be seen.
Source of the method: https://opencost.io/docs/specification/ (allocation and idle costs).
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from domain.allocation.split import apportion
from domain.money import EXACT, ZERO, add, add_up, multiply

if TYPE_CHECKING:
    from collections.abc import Sequence

IDLE: Final = "__idle__"


class Resources(NamedTuple):
    """Processors and memory over some time: core-seconds and byte-seconds."""

    cpu: Decimal
    memory: Decimal


class UnitCosts(NamedTuple):
    """What a core-second and a byte-second cost by themselves; only their ratio matters."""

    cpu: Decimal
    memory: Decimal


class NodeSplit(NamedTuple):
    """What each pod bears, in the order given, and what nobody requested."""

    pods: list[Decimal]
    idle: Decimal


# OpenCost's defaults (default.json): a core-hour 0.031611, a GiB-hour 0.004237 US dollars; here per GiB-second,
# in bytes: 2^30 byte-seconds are one GiB-second.
DEFAULT_UNIT_COSTS: Final = UnitCosts(EXACT.multiply(Decimal("0.031611"), Decimal(2**30)), Decimal("0.004237"))


def split_node(
    cost: Decimal, capacity: Resources, requests: Sequence[Resources], unit_costs: UnitCosts = DEFAULT_UNIT_COSTS
) -> NodeSplit:
    """Split the cost of a node in some time. Raises `ValueError` for a node without capacity."""
    of_cpu, of_memory = apportion(
        cost, [multiply(capacity.cpu, unit_costs.cpu), multiply(capacity.memory, unit_costs.memory)]
    )
    cpu = _against(of_cpu, capacity.cpu, [each.cpu for each in requests])
    memory = _against(of_memory, capacity.memory, [each.memory for each in requests])
    *pods, idle = [add(left, right) for left, right in zip(cpu, memory, strict=True)]
    return NodeSplit(pods, idle)


def _against(cost: Decimal, capacity: Decimal, requests: Sequence[Decimal]) -> list[Decimal]:
    """Split by requests and, last, what is left of the capacity."""
    free = max(ZERO, EXACT.subtract(capacity, add_up(requests)))
    if not cost:
        return [ZERO] * (len(requests) + 1)
    return apportion(cost, [*requests, free])
