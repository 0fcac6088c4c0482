from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from agents.webhooks import Intake
from domain.scope import parse_filter
from domain.webhooks import Subscription
from tables.deliveries import PENDING, Pending, Settled, decode_pending, settled_rows
from tests.agents.effects_fakes import FakeClock, FakePublisher, FakeRecord, batch, event
from tests.agents.memory_table import MemoryTable

if TYPE_CHECKING:
    from collections.abc import Sequence

EVERYTHING = Subscription("all", "https://a.example/", (), frozenset({"*"}))
GLOBEX = Subscription("globex", "https://b.example/", (), frozenset({"*"}), parse_filter("tenant=globex"))


class Desk:
    """An intake with fakes around it."""

    def __init__(self, subscriptions: Sequence[Subscription] = (EVERYTHING,)) -> None:
        self.table = MemoryTable()
        self.publisher = FakePublisher()
        self.queued: list[tuple[int, bytes, Pending]] = []
        self.clock = FakeClock()
        self.intake = Intake(
            subscriptions,
            self.table,
            self.publisher,
            "dead-letter",
            lambda *each: self.queued.append(each),
            self.clock,
        )

    async def receive(self, *values: bytes | None, offset: int = 0) -> None:
        records = [FakeRecord(value, offset + number) for number, value in enumerate(values)]
        await self.intake.handle(batch(*records))

    def pending(self) -> list[Pending]:
        return [decode_pending(row) for _, row in self.table.scan(0, PENDING)]


async def test_an_event_becomes_one_pending_row_per_subscription_that_wants_it() -> None:
    both = Subscription("both", "https://c.example/", (), frozenset({"*"}))
    desk = Desk([EVERYTHING, GLOBEX, both])
    await desk.receive(event("e1"), offset=5)
    assert sorted(each.subscription for each in desk.pending()) == ["all", "both"]
    owed = desk.pending()[0]
    assert owed.body == event("e1")
    assert (owed.version, owed.message_id, owed.topic) == (5, "e1", "budget-threshold-crossed")
    assert owed.event_time == 1_793_664_000_000_000
    assert (owed.first_at, owed.due, owed.attempts) == (desk.clock.now, desk.clock.now, 0)


async def test_what_happened_long_ago_is_no_news_to_who_says_so() -> None:
    fresh = Subscription("fresh", "https://c.example/", (), frozenset({"*"}), max_age=7 * 86_400)
    desk = Desk([EVERYTHING, fresh])
    happened = 1_793_664_000
    desk.clock.now = happened + 7 * 86_400 + 1
    await desk.receive(event("e1"))
    assert [each.subscription for each in desk.pending()] == ["all"]
    desk.clock.now -= 1
    await desk.receive(event("e2"))
    assert sorted(each.subscription for each in desk.pending()) == ["all", "all", "fresh"]


async def test_the_sender_hears_of_a_delivery_once_it_is_written() -> None:
    desk = Desk()
    await desk.receive(event("e1"))
    ((partition, identity, owed),) = desk.queued
    row = desk.table.tenure(partition).get(PENDING + identity)
    assert row is not None
    assert decode_pending(row) == owed


async def test_nothing_is_queued_when_the_table_does_not_take_it() -> None:
    desk = Desk()
    desk.table.failures.append(OSError("kafka is away"))
    with pytest.raises(OSError, match="away"):
        await desk.receive(event("e1"))
    assert not desk.queued


async def test_a_replayed_event_that_is_owed_is_not_owed_twice() -> None:
    desk = Desk()
    await desk.receive(event("e1"), event("e1"))
    await desk.receive(event("e1"), offset=9)
    assert len(desk.queued) == len(desk.pending()) == 1


async def test_a_replayed_event_that_was_delivered_is_not_owed_again() -> None:
    desk = Desk()
    await desk.receive(event("e1"))
    await desk.table.tenure(0).commit(settled_rows(desk.queued[0][1], Settled(0, desk.clock.now)))
    await desk.receive(event("e1"), offset=1)
    assert not desk.pending()
    assert len(desk.queued) == 1


async def test_foreign_bytes_and_tombstones_become_dead_letters_and_hold_up_nothing() -> None:
    desk = Desk()
    await desk.receive(b"\xff not json", None, event("e1"), offset=3)
    assert len(desk.pending()) == 1
    first, second = desk.publisher.events("dead-letter")
    assert first["type"] == "costguard.rejected"
    assert first["data"]["offset"] == 3
    assert base64.b64decode(first["data"]["raw"]) == b"\xff not json"
    assert second["data"]["offset"] == 4


async def test_a_batch_of_large_events_is_written_in_commits_that_fit() -> None:
    desk = Desk([EVERYTHING, Subscription("two", "https://c.example/", (), frozenset({"*"}))])
    await desk.receive(*(event(f"e{number}", note="x" * 200_000) for number in range(6)))
    assert len(desk.pending()) == len(desk.queued) == 12
