"""Faust's Kafka transport with acknowledgement made strict, and cheap, for batches.

Faust 0.15 keeps a list of acknowledged offsets and fills the gaps between them from what it has *received*; it also
acknowledges events that it skips because a rebalance is under way. With batches either would commit records that
nobody folded. Here the batches of a partition wait in the order in which they were fetched, and the commit position
moves over those whose agent said that it is done. Every new assignment starts from an empty book.
"""

from __future__ import annotations

from collections import defaultdict, deque
from typing import TYPE_CHECKING, Any, Final

from faust.transport.drivers import aiokafka as driver
from mode.utils.futures import notify

from agents.batch import Batch

if TYPE_CHECKING:
    from faust.types import TP


FETCH_WAIT_MS: Final = 200


class InFlight:
    """The batches of one partition that are fetched and not yet committed, oldest first."""

    def __init__(self) -> None:
        self._batches: deque[Batch] = deque()

    def receive(self, batch: Batch) -> None:
        """Note a fetched batch; one that starts again below earlier ones takes their place."""
        while self._batches and self._batches[-1].last_offset >= batch.first_offset:
            self._batches.pop()
        self._batches.append(batch)

    def take_done(self) -> int | None:
        """Remove the batches that are done, up to the first that is not; return the offset to commit."""
        position = None
        while self._batches and self._batches[0].done:
            position = self._batches.popleft().last_offset + 1
        return position


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Faust's consumer thread with a shorter long poll.

    A broker answers one request of a connection at a time: with Faust's 1.5 s every look-up during recovery waits
    behind an idle fetch, and a rebalance takes seconds longer.
    """

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS  # noqa: SLF001 - the driver passes no setting through
        return consumer


class Consumer(driver.Consumer):
    """Commits a batch only after its agent said that it is done, in the generation in which it was fetched."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._in_flight: defaultdict[TP, InFlight] = defaultdict(InFlight)
        super().__init__(*args, **kwargs)

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def _to_message(self, tp: TP, record: Any) -> Any:
        message = super()._to_message(tp, record)
        # Changelogs arrive in batches, too, but nobody commits them.
        if isinstance(message.value, Batch) and not self._is_changelog_tp(tp):
            self._in_flight[tp].receive(message.value)
        return message

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        if tp not in self._in_flight:
            await super()._add_gap(tp, offset_from, offset_to)

    def ack(self, message: Any) -> bool:
        """Take an acknowledgement; for a batch, `done` counts and not the call."""
        if not isinstance(message.value, Batch):
            return bool(super().ack(message))
        message.acked = True
        self._unacked_messages.discard(message)
        if message.generation_id == self.app.consumer_generation_id:
            _ = self._acked[message.tp]  # the commit loop looks at partitions that are listed here
        notify(self._waiting_for_ack)
        return True

    def _new_offset(self, tp: TP) -> int | None:
        if tp in self._in_flight:
            return self._in_flight[tp].take_done()
        offset: int | None = super()._new_offset(tp)
        return offset

    async def perform_seek(self) -> None:
        """Start from the committed offsets with nothing in flight."""
        self._in_flight.clear()
        self._acked.clear()
        self._acked_index.clear()
        self._gap.clear()
        await super().perform_seek()


class Transport(driver.Transport):
    """Faust's aiokafka transport with our consumer."""

    Consumer = Consumer
