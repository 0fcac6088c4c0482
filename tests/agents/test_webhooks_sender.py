from __future__ import annotations

import asyncio
import contextlib
from itertools import count
from typing import TYPE_CHECKING

from agents.webhooks import Intake
from agents.webhooks_sender import SETBACK_SECONDS, Sender
from domain.deliveries import DELAYS, Answer, Unreachable
from domain.webhooks import Subscription
from tables.deliveries import EXPIRY, PENDING, RETENTION, SETTLED, decode_pending, decode_settled
from tests.agents.effects_fakes import (
    FakeClock,
    FakePublisher,
    FakeRecord,
    FakeTransport,
    batch,
    event,
)
from tests.agents.memory_table import MemoryTable

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

OK = Answer(204)
DOWN = Unreachable("cannot be reached (ConnectError)")


def hook(name: str) -> Subscription:
    return Subscription(name, f"https://{name}.example/?token=hidden", ("whsec_hidden",), frozenset({"*"}))


class Office:
    """Intake and sender of one process; `restart` makes a new process over the same table."""

    def __init__(self, **script: list[Answer | Unreachable]) -> None:
        self.table = MemoryTable()
        self.publisher = FakePublisher()
        self.clock = FakeClock()
        self.offsets = count()
        self.transport = FakeTransport(script)
        self.restart()

    def restart(self, *, without: str = "") -> None:
        subscriptions = [hook(name) for name in self.transport.script if name != without]
        self.sender = Sender(
            {each.name: each for each in subscriptions},
            self.table,
            self.publisher,
            "dead-letter",
            self.transport,
            self.clock,
            lambda: 0.0,
        )
        self.intake = Intake(subscriptions, self.table, self.publisher, "dead-letter", self.sender.queue, self.clock)

    async def receive(self, *identifiers: str, time: str = "2026-11-03T00:00:00Z") -> None:
        records = [FakeRecord(event(each, time=time), next(self.offsets)) for each in identifiers]
        await self.intake.handle(batch(*records))

    async def settle(self) -> None:
        """Send until nothing is due and nothing under way."""
        await self.sender.step()
        while self.sender._tasks:
            await asyncio.wait(self.sender._tasks)
            await self.sender.step()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not condition():
                await self.sender.step()
                await asyncio.sleep(0)

    def failures(self) -> list[str | None]:
        return [decode_settled(row).failure for _, row in self.table.scan(0, SETTLED)]

    def owed(self) -> list[str]:
        return [decode_pending(row).message_id for _, row in self.table.scan(0, PENDING)]


async def test_an_event_is_delivered_once_with_its_own_bytes_and_settled() -> None:
    office = Office(hook=[OK])
    await office.receive("e1")
    await office.settle()
    assert office.transport.posts == [("hook", "e1", event("e1"))]
    assert office.failures() == [None]
    assert not office.owed()


async def test_a_replay_of_the_topic_delivers_nothing_twice() -> None:
    office = Office(hook=[OK])
    for _ in range(2):
        await office.receive("e1", "e2", "e3")
        await office.settle()
    office.restart()
    await office.receive("e1", "e2", "e3")
    await office.settle()
    assert office.transport.ids("hook") == ["e1", "e2", "e3"]


async def test_a_restart_with_pending_rows_delivers_them() -> None:
    office = Office(hook=[OK])
    await office.receive("e1", "e2")
    office.restart()
    await office.settle()
    assert office.transport.ids("hook") == ["e1", "e2"]


async def test_events_go_out_in_order_of_event_time() -> None:
    office = Office(hook=[OK])
    for identifier, second in (("late", 3), ("early", 1), ("middle", 2)):
        await office.receive(identifier, time=f"2026-11-03T00:00:0{second}Z")
    await office.settle()
    assert office.transport.ids("hook") == ["early", "middle", "late"]


async def test_a_failed_delivery_is_repeated_by_the_schedule_with_the_same_id_and_survives_restarts() -> None:
    office = Office(hook=[DOWN, Answer(500), Answer(302), OK])
    await office.receive("e1")
    for delay in DELAYS[:3]:
        await office.settle()
        office.clock.now += delay - 0.1
        office.restart()
        await office.settle()
        seen = len(office.transport.posts)
        office.clock.now += 0.2
        await office.settle()
        assert len(office.transport.posts) == seen + 1
    assert office.transport.ids("hook") == ["e1"] * 4
    assert office.failures() == [None]


async def test_an_endpoint_that_stays_down_is_given_up_into_the_dead_letters() -> None:
    office = Office(hook=[DOWN])
    await office.receive("e1")
    for delay in (0, *DELAYS):
        office.clock.now += delay
        await office.settle()
    assert len(office.transport.posts) == len(DELAYS) + 1
    (letter,) = office.publisher.events("dead-letter")
    assert letter["data"]["topic"] == "budget-threshold-crossed"
    assert letter["data"]["reason"].startswith("webhook hook: cannot be reached (ConnectError); given up")
    assert not office.owed()
    await office.receive("e1")
    await office.settle()
    assert len(office.transport.posts) == len(DELAYS) + 1


async def test_410_stops_the_event_and_the_endpoint() -> None:
    office = Office(hook=[Answer(410)], other=[OK])
    await office.receive("e1", "e2")
    await office.settle()
    assert office.transport.ids("hook") == ["e1"]
    assert office.transport.ids("other") == ["e1", "e2"]
    reasons = [letter["data"]["reason"] for letter in office.publisher.events("dead-letter")]
    assert len(reasons) == 2
    assert all("410 Gone" in reason for reason in reasons)


async def test_retry_after_silences_the_endpoint_for_other_events_too() -> None:
    office = Office(hook=[Answer(429, 60), OK])
    await office.receive("e1")
    await office.settle()
    await office.receive("e2")
    office.clock.now += 59
    await office.settle()
    assert office.transport.ids("hook") == ["e1"]
    office.clock.now += 1
    await office.settle()
    assert office.transport.ids("hook") == ["e1", "e1", "e2"]


async def test_a_slow_endpoint_delays_no_other_subscription_and_not_the_stream() -> None:
    office = Office(slow=[OK], quick=[OK])
    office.transport.gates["slow"] = asyncio.Event()
    await office.receive("e1", "e2")
    await office.until(lambda: office.transport.ids("quick") == ["e1", "e2"])
    await office.receive("e3")
    await office.until(lambda: office.transport.ids("quick") == ["e1", "e2", "e3"])
    assert office.transport.ids("slow") == ["e1"]
    office.transport.gates["slow"].set()
    await office.until(lambda: office.transport.ids("slow") == ["e1", "e2", "e3"])
    await office.settle()
    assert not office.owed()


async def test_a_subscription_that_is_no_longer_configured_leaves_a_dead_letter() -> None:
    office = Office(hook=[OK])
    await office.receive("e1")
    office.restart(without="hook")
    await office.settle()
    assert not office.transport.posts
    assert "no such webhook" in office.publisher.events("dead-letter")[0]["data"]["reason"]


async def test_an_answer_that_cannot_be_recorded_is_sent_again_under_the_same_id() -> None:
    office = Office(hook=[OK])
    await office.receive("e1")
    office.table.failures.append(OSError("kafka is away"))
    await office.settle()
    assert office.owed() == ["e1"]
    office.clock.now += SETBACK_SECONDS
    await office.settle()
    assert office.transport.ids("hook") == ["e1", "e1"]
    assert not office.owed()


async def test_a_delivery_is_not_settled_before_its_dead_letter_is_written() -> None:
    office = Office(hook=[Answer(410)])
    await office.receive("e1")
    office.publisher.failures.append(OSError("kafka is away"))
    await office.settle()
    assert office.owed() == ["e1"]
    office.clock.now += SETBACK_SECONDS
    await office.settle()
    assert len(office.publisher.events("dead-letter")) == 1
    assert not office.owed()


async def test_a_partition_that_was_taken_away_is_left_to_its_new_owner_and_taken_up_when_it_returns() -> None:
    office = Office(hook=[OK])
    await office.receive("e1")
    office.table.assign(1)
    await office.settle()
    assert not office.transport.posts
    office.table.assign(0, 1)
    await office.settle()
    assert office.transport.ids("hook") == ["e1"]


async def test_losing_the_partition_during_an_attempt_leaves_the_row_to_the_new_owner() -> None:
    office = Office(hook=[OK])
    gate = office.transport.gates["hook"] = asyncio.Event()
    await office.receive("e1")
    await office.until(lambda: bool(office.transport.posts))
    office.table.assign(1)
    gate.set()
    await office.settle()
    assert office.owed() == ["e1"]


async def test_a_settled_delivery_is_forgotten_after_its_retention() -> None:
    office = Office(hook=[OK])
    await office.receive("e1")
    await office.settle()
    office.clock.now += RETENTION
    await office.settle()
    assert office.failures() == [None]
    office.clock.now += 3600
    await office.settle()
    assert not office.failures()
    assert not list(office.table.scan(0, EXPIRY))


async def test_the_running_sender_wakes_for_a_new_event_and_ends_when_cancelled() -> None:
    office = Office(hook=[OK])
    running = asyncio.create_task(office.sender.run())
    await asyncio.sleep(0)
    await office.receive("e1")
    async with asyncio.timeout(5):
        while office.owed():
            office.table.committed.clear()
            await office.table.committed.wait()
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    assert running.cancelled()
    assert office.transport.closed


async def test_no_log_line_holds_a_secret_or_a_query(caplog: pytest.LogCaptureFixture) -> None:
    office = Office(hook=[DOWN, Answer(410)])
    await office.receive("e1")
    await office.settle()
    office.clock.now += 1
    await office.settle()
    assert "attempt 1 for e1 failed" in caplog.text
    assert "given up" in caplog.text
    assert "hidden" not in caplog.text
