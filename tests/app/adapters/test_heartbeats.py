"""A member sends heartbeats while its listener takes partitions over, however long that takes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiokafka.consumer import consumer
from aiokafka.consumer.group_coordinator import GroupCoordinator

from app.adapters import heartbeats
from app.adapters.heartbeats import BeatingCoordinator

if TYPE_CHECKING:
    import pytest


class Coordinator(BeatingCoordinator):
    """A member of no group, whose heartbeats are counted."""

    def __init__(self) -> None:
        self._heartbeat_task = None
        self.beaten = asyncio.Event()

    async def _heartbeat_routine(self) -> None:
        self.beaten.set()


async def test_heartbeats_go_on_while_the_listener_works(monkeypatch: pytest.MonkeyPatch) -> None:
    coordinator = Coordinator()

    async def listener(_: Any, *arguments: Any) -> None:
        assert arguments == (7, "member", "faust", b"assignment")
        await asyncio.wait_for(coordinator.beaten.wait(), 10)

    monkeypatch.setattr(GroupCoordinator, "_on_join_complete", listener)
    await coordinator._on_join_complete(7, "member", "faust", b"assignment")


def test_consumers_get_that_coordinator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer, "GroupCoordinator", GroupCoordinator)
    heartbeats.install()
    assert consumer.GroupCoordinator is BeatingCoordinator  # type: ignore[attr-defined]
