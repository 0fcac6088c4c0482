"""Batches of raw records, and the loops that our agents run over them."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Final

from domain.cloudevents import rejected
from tables.tenure import PartitionLostError

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Callable

    from agents.ports import Record

logger = logging.getLogger(__name__)

REST_PER_WORK: Final = 2.0
MAX_REST_SECONDS: Final = 0.5
# Batches that may wait to be merged; beyond, the stream waits.
MAX_WAITING: Final = 32


class Batch:
    """The records of one fetch from one partition; `done` is set once all of them are handled.

    A batch that is not done is never acknowledged (`app.adapters.faust_transport`): it will be fetched again
    by whoever owns the partition then. A `stale` one is from before a rebalance: what came before it may be missing,
    and it will be fetched again. `taken` tells that an agent has got it from its stream. Nothing but
    the records lies between `follows` and `end`, where the consumer stood before and after.
    """

    __slots__ = ("__weakref__", "done", "end", "follows", "partition", "records", "stale", "taken", "topic")

    def __init__(
        self,
        topic: str,
        partition: int,
        records: tuple[Record, ...],
        follows: int | None = None,
        end: int | None = None,
    ) -> None:
        self.topic = topic
        self.partition = partition
        self.records = records
        self.done = False
        self.stale = False
        self.taken = False
        self.follows = records[0].offset if follows is None else follows
        self.end = records[-1].offset + 1 if end is None else end

    @property
    def first_offset(self) -> int:
        """Offset of the first record."""
        return self.records[0].offset

    @property
    def last_offset(self) -> int:
        """Offset of the last record."""
        return self.records[-1].offset

    def dead_letter(self, agent: str, record: Record, reason: str, now: float) -> bytes:
        """Return the dead letter of one of the records: why, from where, and what it was."""
        return rejected(
            agent=agent,
            reason=reason,
            topic=self.topic,
            partition=self.partition,
            offset=record.offset,
            value=record.value,
            recorded=int(now),
        )


async def each(
    stream: AsyncIterable[Batch],
    handle: Callable[[Batch], Awaitable[None]],
    fatal: Callable[[BaseException], None],
) -> None:
    """Handle batches one after the other."""
    async for batch in stream:
        batch.taken = True
        if await _handled(batch, handle, fatal):
            batch.done = True


async def _handled(
    batch: Batch, handle: Callable[[Batch], Awaitable[None]], fatal: Callable[[BaseException], None]
) -> bool:
    """Handle a batch; False when it is stale, or its partition was taken away: it is left to its new owner.

    Any other failure is `fatal`: the process must end and replay from its last commit, because going on would leave
    a hole behind it.
    """
    if batch.stale:
        return False
    try:
        await handle(batch)
    except PartitionLostError:
        logger.info("%s[%d] was taken away; its new owner goes on", batch.topic, batch.partition)
        return False
    except Exception as error:
        logger.exception("cannot handle a batch of %s[%d]", batch.topic, batch.partition)
        fatal(error)
        raise
    return True


class Merger:
    """Handles what has arrived for a partition in one go, and rests in between.

    While it rests, records that overwrite each other meet in one batch: under load this keeps a second hop in
    proportion to keys, not to messages. An idle one rests for milliseconds.
    """

    def __init__(self, handle: Callable[[Batch], Awaitable[None]], fatal: Callable[[BaseException], None]) -> None:
        self._handle = handle
        self._fatal = fatal
        self._waiting: dict[int, list[Batch]] = {}
        self._changed = asyncio.Condition()

    async def follow(self, stream: AsyncIterable[Batch]) -> None:
        """Take batches from a stream until it ends, and handle them beside it."""
        working = asyncio.create_task(self._work())
        try:
            async for batch in stream:
                batch.taken = True
                await self._put(batch)
        finally:
            working.cancel()

    async def _put(self, batch: Batch) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: sum(map(len, self._waiting.values())) < MAX_WAITING)
            self._waiting.setdefault(batch.partition, []).append(batch)
            self._changed.notify_all()

    async def _take(self) -> list[Batch]:
        async with self._changed:
            await self._changed.wait_for(lambda: self._waiting)
            batches = self._waiting.pop(next(iter(self._waiting)))
            self._changed.notify_all()
            return batches

    async def _work(self) -> None:
        while True:
            batches = [batch for batch in await self._take() if not batch.stale]
            if not batches:
                continue
            started = time.perf_counter()
            records = tuple(record for batch in batches for record in batch.records)
            if await _handled(Batch(batches[0].topic, batches[0].partition, records), self._handle, self._fatal):
                for batch in batches:
                    batch.done = True
            await asyncio.sleep(min((time.perf_counter() - started) * REST_PER_WORK, MAX_REST_SECONDS))
