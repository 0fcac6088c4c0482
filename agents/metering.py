"""The meter: usage events in, running totals out.

Reads `usage-metered` in batches. Writes the tables `identities` and `meter`, keyed by source partition. Emits
packets of running totals to `cost-totals`, keyed by tenant, and what it cannot use to `dead-letter`.
On failure the process ends; the batch was not acknowledged and comes again. Rows carry their offset, so what
was folded is not folded twice, and touched totals are sent again, so what was not sent is made good.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final

import orjson

from agents import metrics
from agents.batch import Batch, each
from domain import totals
from domain.identities import RETENTION_DAYS, Identities
from domain.metering import CellKey, Folded, Meter, MeterRow, retained_day, total
from domain.windows import DAY
from tables import identities as identities_table
from tables import meter as meter_table
from tables.ledger import chunks, delete

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable

    import faust

    from agents.ports import Clock, Publisher, Table, View
    from domain.ownership import Ownership
    from domain.pricing import PriceBook


@dataclass(frozen=True)
class MeteringTopics:
    """Topic names that the meter reads and writes."""

    usage: str
    totals: str
    dead_letter: str


# How much of the cost tables comes from here, as opposed to the provider's bill.
METERED: Final = "metered"


class Metering:
    """Folds the batches of every source partition that this worker owns; `rules` is a digest of prices and owners."""

    def __init__(
        self,
        *,
        topics: MeteringTopics,
        cells: Table,
        ids: Table,
        publisher: Publisher,
        view: View,
        book: PriceBook,
        ownership: Ownership,
        partitions: int,
        rules: str,
        clock: Clock,
    ) -> None:
        self._topics = topics
        self._cells = cells
        self._ids = ids
        self._publisher = publisher
        self._view = view
        self._book = book
        self._ownership = ownership
        self._partitions = partitions
        self._rules = rules
        self._clock = clock
        self._meters: dict[int, Meter] = {}
        # By source partition: up to where totals are sent, as the next commit will say.
        self._published: dict[int, int] = {}
        # By source partition: the last offset sent to each owner partition of cost-totals.
        self._reached: dict[int, dict[str, int]] = {}
        self._epoch = -1

    async def handle(self, batch: Batch) -> None:
        """Fold one batch; return when everything it caused is acknowledged."""
        meter = await self._meter(batch.partition)
        started = time.perf_counter()
        done = meter.done
        folded = meter.fold(batch.records, int(self._clock()))
        folding = time.perf_counter()
        await self._write(batch.partition, meter, folded, done)
        written = time.perf_counter()
        await self._publish(batch, meter, folded)
        _observe(batch, folded, folding - started, written - folding, time.perf_counter() - written)

    async def _meter(self, partition: int) -> Meter:
        if self._epoch != self._cells.epoch:
            self._meters.clear()
            self._epoch = self._cells.epoch
        if partition not in self._meters:
            await self._send_what_other_rules_left(partition)
            self._meters[partition] = self._restore(partition)
        return self._meters[partition]

    async def _send_what_other_rules_left(self, partition: int) -> None:
        """Send totals that were written and perhaps not sent, when prices or owners changed in between.

        A replay sends again what it touches; under other rules it touches other cells.
        """
        row = self._cells.get(partition, meter_table.POSITION)
        position = meter_table.decode_position(row) if row is not None else None
        if position is None or position.rules == self._rules or position.published >= position.version:
            return
        unsent = [
            total(meter_table.split(key), meter_table.decode_row(row))
            for key, row in self._cells.scan(partition)
            if key != meter_table.POSITION and meter_table.decode_row(row).version > position.published
        ]
        packets = totals.pack(METERED, partition, position.version, position.watermark, unsent, self._partitions)
        await self._publisher.send_many(self._topics.totals, [(None, packet, owner) for owner, packet in packets])

    def _restore(self, partition: int) -> Meter:
        remembered = Identities()
        remembered.load(identities_table.decode(key, row) for key, row in self._ids.scan(partition))
        row = self._cells.get(partition, meter_table.POSITION)
        position = meter_table.decode_position(row) if row is not None else meter_table.Position()
        self._published[partition] = position.published

        def read(key: CellKey) -> MeterRow | None:
            stored = self._cells.get(partition, meter_table.key(key))
            return None if stored is None else meter_table.decode_row(stored)

        return Meter(
            book=self._book,
            ownership=self._ownership,
            read=read,
            identities=remembered,
            position=position.version,
            done=position.done,
            watermark=position.watermark,
        )

    async def _write(self, partition: int, meter: Meter, folded: Folded, done: int) -> None:
        rows: dict[bytes, bytes | None] = {
            meter_table.key(key): meter_table.encode_row(row) for key, row in folded.rows.items()
        }
        await asyncio.gather(self._write_cells(partition, meter, rows, done), self._write_ids(partition, folded))

    async def _write_cells(self, partition: int, meter: Meter, rows: dict[bytes, bytes | None], done: int) -> None:
        """Write rows between two positions: the first may claim more than is written, the last is the truth."""
        parts = list(chunks(rows)) or [{}]
        for at, chunk in enumerate(parts, start=1):
            complete = meter.done if at == len(parts) else done
            position = meter_table.Position(
                meter.position, meter.watermark, complete, self._published[partition], self._rules
            )
            await self._cells.commit(partition, {meter_table.POSITION: meter_table.encode_row(position), **chunk})

    async def _write_ids(self, partition: int, folded: Folded) -> None:
        rows: dict[bytes, bytes | None] = {
            identities_table.key(packed.day, folded.last_offset): identities_table.encode(packed, folded.last_offset)
            for packed in folded.identities
        }
        for chunk in chunks(rows):
            await self._ids.commit(partition, chunk)

    async def _publish(self, batch: Batch, meter: Meter, folded: Folded) -> None:
        packets = totals.pack(
            METERED, batch.partition, folded.last_offset, meter.watermark, folded.totals(), self._partitions
        )
        now = self._clock()
        letters = [batch.dead_letter("metering", record, reason, now) for record, reason in folded.rejected]
        sent, _ = await asyncio.gather(
            self._publisher.send_many(self._topics.totals, [(None, packet, owner) for owner, packet in packets]),
            self._publisher.send_many(self._topics.dead_letter, [(None, letter, None) for letter in letters]),
        )
        self._published[batch.partition] = folded.last_offset
        reached = self._reached.setdefault(batch.partition, {})
        reached.update((str(owner), offset) for owner, offset in sent)
        progress = {"offset": folded.last_offset, "totals": reached, "watermark": min(meter.newest, int(now))}
        self._view.progress(f"meter:{batch.partition}", orjson.dumps(progress))

    async def expire(self) -> None:
        """Forget ids and rows older than their retention, in every owned partition."""
        for partition in self._cells.owned() & self._ids.owned():
            meter = await self._meter(partition)
            watermark = min(meter.watermark, int(self._clock()) + DAY)
            oldest = retained_day(watermark, RETENTION_DAYS)
            meter.identities.forget(oldest)
            await _delete_before(self._ids, partition, oldest, identities_table.day_of)
            oldest_minute = retained_day(watermark, meter_table.RETENTION_DAYS) * DAY
            await _delete_before(self._cells, partition, oldest_minute, meter_table.minute_of)


async def _delete_before(table: Table, partition: int, bound: int, position: Callable[[bytes], int]) -> None:
    keys = (key for key, _ in table.scan(partition))
    await delete(table, partition, takewhile(lambda key: position(key) < bound, keys))


def _observe(batch: Batch, folded: Folded, fold: float, write: float, publish: float) -> None:
    metrics.EVENTS.inc(folded.events)
    metrics.DUPLICATES.inc(folded.duplicates)
    metrics.LATE.inc(folded.late)
    metrics.UNPRICED.inc(folded.unpriced)
    metrics.UNATTRIBUTED.inc(folded.unattributed)
    metrics.REJECTED.labels(batch.topic).inc(len(folded.rejected))
    metrics.BATCH_EVENTS.labels(batch.topic).observe(len(batch.records))
    for stage, seconds in (("fold", fold), ("write", write), ("publish", publish)):
        metrics.STAGE_SECONDS.labels(stage).inc(seconds)


def install(
    app: faust.App,
    *,
    channel: faust.ChannelT[Any],
    metering: Metering,
    fatal: Callable[[BaseException], None],
) -> None:
    """Register the agent `metering`."""

    @app.agent(channel, name="metering")
    async def meter_usage(stream: AsyncIterable[Any]) -> None:
        await each(stream, metering.handle, fatal)
