"""Webhooks, second half: deliver what is owed.

A service of the `effects` process. Reads and writes the `deliveries` table of the partitions that this
process owns; after every rebalance it starts from what the table says. One delivery is under way per
subscription and partition. At least once: a crash between the endpoint's answer and the commit repeats the
delivery with the same `webhook-id`. What is given up goes to `dead-letter` first, and is then settled.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

import faust
import msgspec

from agents.webhooks_outbox import Outbox, Turn
from domain.cloudevents import rejected
from domain.deliveries import Delivered, GivenUp, Retry, judge
from tables.deliveries import (
    EXPIRY,
    PENDING,
    Pending,
    Settled,
    decode_pending,
    forgotten_rows,
    is_expired,
    pending_rows,
    settled_rows,
)
from tables.tenure import PartitionLostError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agents.ports import Clock, Publisher, Table, Tenure
    from domain.deliveries import Answer, Unreachable
    from domain.webhooks import Subscription

logger = logging.getLogger(__name__)

# New deliveries and ended ones wake the sender; this bounds how late it sees a rebalance.
POLL_SECONDS: Final = 0.5
# Kafka or the table failed us: try the same delivery again, which its endpoint has perhaps seen.
SETBACK_SECONDS: Final = 5.0
STOP_SECONDS: Final = 2.0
SWEEP_SECONDS: Final = 600.0
SWEEP_ROWS: Final = 2000


class Transport(Protocol):
    """Sends one signed request; see `app.adapters.webhooks`."""

    async def post(self, subscription: Subscription, message_id: str, body: bytes, now: float) -> Answer | Unreachable:
        """Return what came of it; never raise."""

    async def close(self) -> None:
        """Close all connections."""


class _Owed(NamedTuple):
    """A delivery under way, and the partition of the table that it was read from."""

    turn: Turn
    rows: Tenure
    pending: Pending

    def tried(self) -> _Owed:
        return self._replace(pending=msgspec.structs.replace(self.pending, attempts=self.pending.attempts + 1))


@dataclass(slots=True)
class Sender:
    """Takes deliveries from the outbox, attempts them, and writes what came of it."""

    subscriptions: Mapping[str, Subscription]
    table: Table
    publisher: Publisher
    dead_letters: str
    transport: Transport
    clock: Clock
    chance: Callable[[], float]
    _outbox: Outbox = field(default_factory=Outbox)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _epoch: int = -1
    _gone: set[str] = field(default_factory=set)
    _swept: float = 0.0

    def queue(self, partition: int, identity: bytes, pending: Pending) -> None:
        """Hear of a delivery that has been written to the table."""
        self._outbox.put(partition, identity, pending)
        self._wake.set()

    async def run(self) -> None:
        """Deliver until cancelled; give attempts under way a moment to end."""
        try:
            while True:
                await self.step()
                await self._sleep()
        finally:
            if self._tasks:
                _, late = await asyncio.wait(self._tasks, timeout=STOP_SECONDS)
                for task in late:
                    task.cancel()
            await self.transport.close()

    async def step(self) -> None:
        """Start every attempt whose turn it is."""
        self._follow_partitions()
        await self._sweep()
        for turn in self._outbox.take(self.clock()):
            task = asyncio.create_task(self._deliver(turn))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _sleep(self) -> None:
        due = self._outbox.next_due()
        wait = POLL_SECONDS if due is None else min(POLL_SECONDS, max(0.0, due - self.clock()))
        try:
            async with asyncio.timeout(wait):
                await self._wake.wait()
        except TimeoutError:
            pass
        self._wake.clear()

    def _follow_partitions(self) -> None:
        if self._epoch == self.table.epoch:
            return
        self._epoch = self.table.epoch
        self._outbox.clear()
        for partition, rows in self.table.tenures():
            for key, row in rows.scan(PENDING):
                self._outbox.put(partition, key[len(PENDING) :], decode_pending(row))

    async def _deliver(self, turn: Turn) -> None:
        try:
            rows = self.table.tenure(turn.lane.partition)
            row = rows.get(PENDING + turn.identity)
            if row is not None:
                await self._attempt(_Owed(turn, rows, decode_pending(row)))
        except PartitionLostError:
            logger.info("webhook %s: its partition was taken away", turn.lane.subscription)
        finally:
            self._outbox.release(turn.lane)
            self._wake.set()

    async def _attempt(self, owed: _Owed) -> None:
        try:
            await self._settle_or_send(owed)
        except PartitionLostError:
            raise
        except Exception:
            logger.exception("webhook %s: cannot record a delivery, trying it again", owed.pending.subscription)
            self._queue_again(owed.turn, msgspec.structs.replace(owed.pending, due=self.clock() + SETBACK_SECONDS))

    async def _settle_or_send(self, owed: _Owed) -> None:
        subscription = self.subscriptions.get(owed.pending.subscription)
        if subscription is None:
            await self._give_up(owed, "no such webhook is configured any more")
        elif subscription.name in self._gone:
            await self._give_up(owed, "the endpoint answered 410 Gone to an earlier event")
        else:
            pending = owed.pending
            outcome = await self.transport.post(subscription, pending.message_id, pending.body, self.clock())
            await self._record(owed, outcome)

    async def _record(self, owed: _Owed, outcome: Answer | Unreachable) -> None:
        tried = owed.tried()
        verdict = judge(
            outcome,
            attempts=tried.pending.attempts,
            first_at=tried.pending.first_at,
            now=self.clock(),
            chance=self.chance(),
        )
        match verdict:
            case Delivered():
                await self._settle(owed, None)
                logger.info("webhook delivered", extra={"about": _about(tried)})
            case GivenUp(reason, gone):
                if gone:
                    self._gone.add(owed.pending.subscription)
                await self._give_up(owed, reason)
            case Retry():
                await self._retry(tried, verdict)

    async def _retry(self, tried: _Owed, retry: Retry) -> None:
        pending = tried.pending
        logger.warning(
            "webhook %s: attempt %d for %s failed (%s), next in %.0f s",
            pending.subscription,
            pending.attempts,
            pending.message_id,
            retry.reason,
            retry.at - self.clock(),
        )
        if retry.pause is not None:
            self._outbox.pause(pending.subscription, retry.pause)
        later = msgspec.structs.replace(pending, due=retry.at)
        await tried.rows.commit(pending_rows(tried.turn.identity, later))
        self._queue_again(tried.turn, later)

    def _queue_again(self, turn: Turn, later: Pending) -> None:
        self._outbox.put(turn.lane.partition, turn.identity, later)

    async def _give_up(self, owed: _Owed, reason: str) -> None:
        pending = owed.pending
        logger.error("webhook %s: %s given up: %s", pending.subscription, pending.message_id, reason)
        letter = rejected(
            agent="webhooks",
            reason=f"webhook {pending.subscription}: {reason}",
            topic=pending.topic,
            partition=owed.turn.lane.partition,
            offset=pending.version,
            value=pending.body,
            recorded=int(self.clock()),
        )
        await self.publisher.send_many(self.dead_letters, [(None, letter, None)])
        await self._settle(owed, reason)

    async def _settle(self, owed: _Owed, failure: str | None) -> None:
        settled = Settled(owed.pending.version, self.clock(), failure)
        await owed.rows.commit(settled_rows(owed.turn.identity, settled))

    async def _sweep(self) -> None:
        """Forget deliveries settled longer ago than their retention, some at a time."""
        now = self.clock()
        if now - self._swept < SWEEP_SECONDS:
            return
        self._swept = now
        for partition, rows in self.table.tenures():
            try:
                keys = islice((key for key, _ in rows.scan(EXPIRY)), SWEEP_ROWS)
                old = [key for key in keys if is_expired(key, now)]
                await rows.commit({key: row for expired in old for key, row in forgotten_rows(expired).items()})
            except Exception:
                logger.exception("old deliveries of partition %d are not forgotten yet", partition)


def _about(owed: _Owed) -> dict[str, str | int]:
    """Return what leads from the log of a delivery to its event: the id, and where it stands on its topic."""
    pending = owed.pending
    return {
        "event_id": pending.message_id,
        "webhook": pending.subscription,
        "attempts": pending.attempts,
        "caused_by": f"{pending.topic}[{owed.turn.lane.partition}]@{pending.version}",
    }


def install(app: faust.App, sender: Sender) -> None:
    """Run the sender as a service of the app."""

    @app.service
    class WebhookSender(faust.Service):
        """Delivers for as long as the app runs."""

        @faust.Service.task
        async def deliver(self) -> None:
            await sender.run()
