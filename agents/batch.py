"""Batches of raw records, and the loops that our agents run over them."""

from __future__ import annotations

import asyncio
import logging
import time
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

from domain.cloudevents import rejected
from tables.tenure import PartitionLostError

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Callable

    from agents.ports import Record

logger = logging.getLogger(__name__)

# What may wait to be merged (bytes of values); beyond, the stream waits.
MAX_WAITING_BYTES: Final = 16 * 1024 * 1024


class Rest(NamedTuple):
    """How long a merger rests after work: so many times as long as it took, but not longer than (seconds)."""

    per_work: float = 0.0
    at_most: float = 0.0


NO_REST: Final = Rest()


class Batch:
    """The records of one fetch from one partition; `done` is set once all of them are handled.

    A batch that is not done is never acknowledged (`app.adapters.faust_transport`): it will be fetched again
    by whoever owns the partition then. A `stale` one is from before a rebalance: what came before it may be missing,
    and it will be fetched again. `taken` tells that an agent has got it from its stream. Nothing but
    the records lies between `follows` and `end`, where the consumer stood before and after.
    """

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

    @cached_property
    def size(self) -> int:
        """Bytes of all values."""
        return sum([len(record.value or b"") for record in self.records])

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
    """Handles what has arrived in one go: all batches of a partition as one, partitions beside each other.

    Records that overwrite each other meet in one batch: under load this keeps what a batch costs in proportion to keys,
    not to messages. Who rests after work meets more of them; an idle one rests for milliseconds.
    """

    def __init__(
        self,
        handle: Callable[[Batch], Awaitable[None]],
        fatal: Callable[[BaseException], None],
        rest: Rest = NO_REST,
    ) -> None:
        self._handle = handle
        self._fatal = fatal
        self._rest = rest
        self._waiting: dict[int, list[Batch]] = {}
        self._bytes = 0
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
            await self._changed.wait_for(lambda: self._bytes <= MAX_WAITING_BYTES)
            self._waiting.setdefault(batch.partition, []).append(batch)
            self._bytes += batch.size
            self._changed.notify_all()

    async def _take(self) -> list[list[Batch]]:
        """Return what waits, by partition, once there is something."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._waiting)
            taken, self._waiting, self._bytes = self._waiting, {}, 0
            self._changed.notify_all()
            return list(taken.values())

    async def _work(self) -> None:
        while True:
            taken = await self._take()
            started = time.perf_counter()
            await asyncio.gather(*map(self._merge, taken))
            await asyncio.sleep(min((time.perf_counter() - started) * self._rest.per_work, self._rest.at_most))

    async def _merge(self, batches: list[Batch]) -> None:
        """Handle the batches of one partition."""
        fresh = [batch for batch in batches if not batch.stale]
        if not fresh:
            return
        merged = Batch(fresh[0].topic, fresh[0].partition, tuple(record for batch in fresh for record in batch.records))
        if await _handled(merged, self._handle, self._fatal):
            for batch in fresh:
                batch.done = True
