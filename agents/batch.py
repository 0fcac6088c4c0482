"""Batches of raw records, and the loop that every agent of ours runs over them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from tables.ledger import PartitionLostError

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Callable

    from agents.ports import Record

logger = logging.getLogger(__name__)


class Batch:
    """The records of one fetch from one partition; `done` is set once all of them are handled.

    A batch that is not done is never acknowledged (`app.adapters.faust_transport`): it will be fetched again
    by whoever owns the partition then.
    """

    __slots__ = ("__weakref__", "done", "partition", "records", "topic")

    def __init__(self, topic: str, partition: int, records: tuple[Record, ...]) -> None:
        self.topic = topic
        self.partition = partition
        self.records = records
        self.done = False

    @property
    def first_offset(self) -> int:
        """Offset of the first record."""
        return self.records[0].offset

    @property
    def last_offset(self) -> int:
        """Offset of the last record."""
        return self.records[-1].offset


async def each(
    stream: AsyncIterable[Batch],
    handle: Callable[[Batch], Awaitable[None]],
    fatal: Callable[[BaseException], None],
) -> None:
    """Handle batches one after the other.

    A batch whose partition was taken away is left to its new owner. Any other failure is `fatal`: the process
    must end and replay from its last commit, because going on would leave a hole behind it.
    """
    async for batch in stream:
        try:
            await handle(batch)
        except PartitionLostError:
            logger.info("%s[%d] was taken away; its new owner goes on", batch.topic, batch.partition)
        except Exception as error:
            logger.exception("cannot handle a batch of %s[%d]", batch.topic, batch.partition)
            fatal(error)
            raise
        else:
            batch.done = True
