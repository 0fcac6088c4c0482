"""Faust's Kafka transport with acknowledgement made strict, and cheap, for batches.

Faust 0.15 keeps a list of acknowledged offsets and fills the gaps between them from what it has *received*; it also
acknowledges events that it skips because a rebalance is under way. With batches either would commit records that
nobody folded. Here the batches of a partition wait in the order in which they were fetched, and the commit position
moves over those whose agent said that it is done. Every new assignment starts from an empty book.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from faust.transport.drivers import aiokafka as driver

from agents import metrics
from agents.batch import Batch
from app.adapters import fetches, heartbeats
from app.adapters.fetches import void_of
from app.adapters.in_flight import InFlight, Unbroken

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from faust.types import TP

    from app.adapters.fetches import Void


# Not this module's name: what Faust's services say of themselves under it is nobody's concern.
logger = logging.getLogger("costguard")

FETCH_WAIT_MS: Final = 200


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Faust's consumer thread with a shorter long poll.

    A broker answers one request of a connection at a time: with Faust's 1.5 s every look-up during recovery waits
    behind an idle fetch, and a rebalance takes seconds longer.
    """

    def _create_worker_consumer(self, transport: Any) -> Any:
        fetches.install()
        heartbeats.install()
        consumer = super()._create_worker_consumer(transport)
        # The driver passes neither setting through.
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS  # noqa: SLF001 - as above
        # What a producer took back was never sent.
        consumer._isolation_level = "read_committed"  # noqa: SLF001 - as above
        return consumer

    def standing(self) -> Iterator[tuple[TP, int, Void | None]]:
        """Yield how far each assigned partition is fetched, and the last void that was passed.

        Read across threads: to ask the thread takes longer than what is between two fetches.
        """
        consumer: Any = self._ensure_consumer()
        subscription = consumer._subscription.subscription  # noqa: SLF001 - what is public waits for a position
        assignment: Any = None if subscription is None else subscription.assignment
        for tp in () if assignment is None else assignment.tps:
            state = assignment.state_value(tp)
            if state is not None and state.has_valid_position:
                yield tp, state.position, void_of(state)

    def ended(self, tp: TP) -> tuple[int, float] | None:
        """Return where a partition ended when the broker was asked last, and when; None while more is fetched.

        The time is read first: what the other thread hears meanwhile only moves the end on.
        """
        consumer: Any = self._ensure_consumer()
        subscription = consumer._subscription.subscription  # noqa: SLF001 - as above
        assignment: Any = None if subscription is None else subscription.assignment
        state: Any = None if assignment is None else assignment.state_value(tp)
        if state is None or state.timestamp is None or not state.has_valid_position:
            return None
        at, end = state.timestamp / 1000, state.highwater
        return (state.position, at) if end is not None and state.position >= end else None


class Consumer(driver.Consumer):
    """Commits a batch only after its agent said that it is done, in the generation in which it was fetched."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._in_flight: dict[TP, InFlight] = {}
        self._recovering: dict[TP, Unbroken] = {}
        super().__init__(*args, **kwargs)

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:  # noqa: ASYNC109 - Faust's signature
        """Fetch messages; of sources and changelogs, without a hole.

        Faust drops fetched records when a rebalance comes in between, though the consumer's position has moved on.
        """
        await self._fetch_again_what_was_dropped()
        async for tp, message in super().getmany(timeout):
            if isinstance(message.value, Batch):
                # Faust would drop what lies before that, and fill gaps; here batches tell what is missing or repeated.
                self._read_offset[tp] = None
                missing = self._receive(tp, message.value)
                if missing is not None:
                    await self._fetch_again(tp, missing)
                    continue
            yield tp, message

    def _receive(self, tp: TP, batch: Batch) -> int | None:
        expected = self._expected(tp)
        if expected is not None:
            return expected.receive(batch)
        # Faust begins to fetch from new partitions before it has sought their commits: that is not where to begin.
        batch.stale = not self._is_changelog_tp(tp)
        return None

    def _expected(self, tp: TP) -> InFlight | Unbroken | None:
        return self._in_flight.get(tp) or self._recovering.get(tp)

    async def _fetch_again_what_was_dropped(self) -> None:
        """Seek back where fewer records came to an agent than were fetched; the next ones may be long in coming."""
        for tp, in_flight in self._in_flight.items():
            if acknowledged := self._acked.get(tp):
                in_flight.acknowledged(set(acknowledged))
                acknowledged.clear()
                self._acked_index[tp].clear()
        thread: Any = self._thread
        for tp, position, void in list(thread.standing()):
            expected = self._expected(tp)
            missing = None if expected is None else expected.missing(position, void)
            if missing is not None:
                await self._fetch_again(tp, missing)

    def ended(self, tp: TP) -> float | None:
        """Return when a partition was seen at its end, with all that was fetched done (epoch seconds), or None."""
        in_flight, thread = self._in_flight.get(tp), self._thread
        found = thread.ended(tp) if in_flight is not None and isinstance(thread, ConsumerThread) else None
        if found is None or in_flight is None or not in_flight.is_done(found[0]):
            return None
        return found[1]

    async def _fetch_again(self, tp: TP, offset: int) -> None:
        logger.info("%s[%d]: records from %d on are missing; fetching them again", tp.topic, tp.partition, offset)
        metrics.FETCHED_AGAIN.labels(tp.topic).inc()
        await self._seek(tp, offset)

    def _new_offset(self, tp: TP) -> int | None:
        """Return what to commit: never what Faust has seen acknowledged, whose streams acknowledge what they skip."""
        in_flight = self._in_flight.get(tp)
        return None if in_flight is None else in_flight.take_done()

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """Move changelogs to where their recovery begins; what an interrupted one has read does not count."""
        await super().seek_wait(partitions)
        for tp, offset in partitions.items():
            self._recovering[tp] = Unbroken(offset)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Drop what waits in the streams: every partition starts from its commits again, those that stay, too."""
        self._close_all()
        await super().on_partitions_revoked(revoked)

    def _close_all(self) -> None:
        for in_flight in self._in_flight.values():
            in_flight.close()

    async def perform_seek(self) -> None:
        """Start every partition where its commits say, or at its beginning, with nothing in flight."""
        self._close_all()
        self._acked.clear()
        self._acked_index.clear()
        await super().perform_seek()
        sources = {tp for tp in self.assignment() if not self._is_changelog_tp(tp)}
        positions = {tp: self._read_offset[tp] for tp in sources}
        # Faust seeks only where something is committed; elsewhere the position may have moved past dropped records.
        uncommitted = [tp for tp, position in positions.items() if position is None]
        beginnings = await self.earliest_offsets(*uncommitted) if uncommitted else {}
        for tp, beginning in beginnings.items():
            await self._seek(tp, beginning)
        self._in_flight = {tp: InFlight(positions[tp] or beginnings.get(tp, 0)) for tp in sources}


class Transport(driver.Transport):
    """Faust's aiokafka transport with our consumer."""

    Consumer = Consumer
