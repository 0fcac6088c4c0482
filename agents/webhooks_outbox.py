"""The deliveries of this process that wait for their turn, in memory; the `deliveries` table is what counts.

A lane is one subscription in one partition. Each lane has one delivery under way at a time and takes those
that are due in order of event time, so that a receiver hears of one scope in order; a lane that is slow or
paused delays no other. A delivery that waits for its next attempt lets later ones pass.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tables.deliveries import Pending


class Lane(NamedTuple):
    """One subscription in one partition."""

    subscription: str
    partition: int


class Turn(NamedTuple):
    """A delivery whose turn it is."""

    lane: Lane
    identity: bytes


@dataclass(slots=True)
class _Queue:
    """`due` is a heap by order, `later` by the time of the next attempt; `known` are the identities both."""

    due: list[tuple[tuple[int, int], bytes]] = field(default_factory=list)
    later: list[tuple[float, tuple[int, int], bytes]] = field(default_factory=list)
    known: set[bytes] = field(default_factory=set)
    busy: bool = False

    def ripen(self, now: float) -> None:
        while self.later and self.later[0][0] <= now:
            _, order, identity = heapq.heappop(self.later)
            heapq.heappush(self.due, (order, identity))


class Outbox:
    """Decides what is sent next. Instants are epoch seconds."""

    def __init__(self) -> None:
        self._lanes: defaultdict[Lane, _Queue] = defaultdict(_Queue)
        self._paused: dict[str, float] = {}

    def put(self, partition: int, identity: bytes, pending: Pending) -> None:
        """Queue a delivery; one that is queued already stays where it is."""
        queue = self._lanes[Lane(pending.subscription, partition)]
        if identity not in queue.known:
            queue.known.add(identity)
            heapq.heappush(queue.later, (pending.due, pending.order, identity))

    def take(self, now: float) -> list[Turn]:
        """Return the next delivery of every idle lane, and mark these lanes busy."""
        turns = []
        for lane, queue in self._lanes.items():
            queue.ripen(now)
            if queue.due and not queue.busy and self._paused.get(lane.subscription, 0) <= now:
                queue.busy = True
                turns.append(Turn(lane, heapq.heappop(queue.due)[1]))
                queue.known.discard(turns[-1].identity)
        return turns

    def release(self, lane: Lane) -> None:
        """Let the lane go on: its delivery is over, or put back."""
        self._lanes[lane].busy = False

    def pause(self, subscription: str, until: float) -> None:
        """Send this subscription nothing before `until`."""
        self._paused[subscription] = max(until, self._paused.get(subscription, 0))

    def next_due(self) -> float | None:
        """Return when the first idle lane has something to send; None when there is nothing to wait for."""
        times = [
            max(0 if queue.due else queue.later[0][0], self._paused.get(lane.subscription, 0))
            for lane, queue in self._lanes.items()
            if not queue.busy and (queue.due or queue.later)
        ]
        return min(times, default=None)

    def clear(self) -> None:
        """Forget what waits; what is under way stays so."""
        for queue in self._lanes.values():
            queue.due.clear()
            queue.later.clear()
            queue.known.clear()

    def __len__(self) -> int:
        return sum(len(queue.known) for queue in self._lanes.values())
