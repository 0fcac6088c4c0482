"""A group member that stays alive while it takes its partitions over.

aiokafka sends no heartbeats from joining a group until the listener has taken the new partitions. Opening their tables
may take longer than a session on a busy machine: the member is thrown out, joins anew, and everybody rebalances again,
without end. As Java's client does, this one beats from the moment it has its assignment.
"""

from __future__ import annotations

from typing import Any

from aiokafka.consumer import consumer
from aiokafka.consumer.group_coordinator import GroupCoordinator


class BeatingCoordinator(GroupCoordinator):
    """Sends heartbeats while the listener works."""

    async def _on_join_complete(self, *args: Any) -> None:
        self._start_heartbeat_task()  # type: ignore[no-untyped-call]
        await super()._on_join_complete(*args)  # type: ignore[no-untyped-call]


def install() -> None:
    """Let every consumer that this process starts beat so."""
    consumer.GroupCoordinator = BeatingCoordinator  # type: ignore[attr-defined]
