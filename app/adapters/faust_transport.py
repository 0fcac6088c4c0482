"""Faust's Kafka transport with acknowledgement made strict.

Faust 0.15 acknowledges events that it skips because a rebalance is under way, and an acknowledgement that
arrives after a rebalance counts towards the new assignment; with batches either would commit records that
nobody folded. Here a batch is acknowledged only when its agent said that it is done, in the generation in
which it was fetched, and every new assignment starts from an empty book.
"""

from __future__ import annotations

from typing import Any

from faust.transport.drivers import aiokafka as driver

from agents.batch import Batch


class Consumer(driver.Consumer):  # type: ignore[misc]
    """Counts an acknowledgement only when the work was done in this generation."""

    def ack(self, message: Any) -> bool:
        """Mark a message as handled; an unhandled or stale one is forgotten, and will be fetched again."""
        batch = message.value
        stale = message.generation_id != self.app.consumer_generation_id
        if isinstance(batch, Batch) and (stale or not batch.done):
            message.acked = True
            self._unacked_messages.discard(message)
            return False
        return bool(super().ack(message))

    async def perform_seek(self) -> None:
        """Start from the committed offsets with nothing acknowledged."""
        self._acked.clear()
        self._acked_index.clear()
        self._gap.clear()
        await super().perform_seek()


class Transport(driver.Transport):  # type: ignore[misc]
    """Faust's aiokafka transport with our consumer."""

    Consumer = Consumer
