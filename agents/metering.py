"""The meter: usage events in, running totals out.

Reads `usage-metered` in batches. Writes the tables `identities` and `meter`, keyed by source partition. Emits
packets of running totals to `cost-totals`, keyed by tenant, and what it cannot use to `dead-letter`.
On failure the process ends; the batch was not acknowledged and comes again. Rows carry their offset, so what
was folded is not folded twice, and touched totals are sent again, so what was not sent is made good.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import orjson

from agents import metrics
from agents.batch import Batch, Merger
from agents.metering_reports import Reports
from domain import totals
from domain.anomaly.sources import Report
from domain.identities import RETENTION_DAYS, Identities
from domain.metering import CellKey, Folded, Meter, MeterRow, retained_day, total
from domain.sources import METERED
from domain.windows import DAY
from tables import identities as identities_table
from tables import meter as meter_table
from tables.tenure import chunks

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable

    import faust

    from agents.ports import Clock, Ends, Publisher, Table, Tenure, View
    from domain.ownership import Ownership
    from domain.pricing import PriceBook


@dataclass(frozen=True)
class MeteringTopics:
    """Topic names that the meter reads and writes."""

    usage: str
    totals: str
    dead_letter: str


@dataclass
class Source:
    """What this worker knows of one source partition.

    `published` is up to where totals are sent, as the next commit will say; `reached` the last offset sent to each
    owner partition of `cost-totals`; `told` the watermark and the newest event time of what is sent.
    """

    meter: Meter
    cells: Tenure
    ids: Tenure
    published: int
    told: tuple[int, int] = (0, 0)
    reached: dict[str, int] = field(default_factory=dict)

    @property
    def held(self) -> bool:
        """Whether what is known still holds."""
        return self.cells.held and self.ids.held


class Metering:
    """Folds the batches of every source partition that this worker owns; `rules` is a digest of prices and owners.

    `newest` returns the event time that any source has reached, as far as this worker knows (epoch seconds).
    """

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
        ends: Ends,
        newest: Callable[[], int] = int,
    ) -> None:
        self._topics = topics
        self._newest = newest
        self._cells = cells
        self._ids = ids
        self._publisher = publisher
        self._view = view
        self._book = book
        self._ownership = ownership
        self._partitions = partitions
        self._rules = rules
        self._clock = clock
        self._sources: dict[int, Source] = {}
        self._reports = Reports(publisher, topics.totals, partitions, ends, clock)

    async def handle(self, batch: Batch) -> None:
        """Fold one batch; return when everything it caused is acknowledged."""
        source = await self._source(batch.partition)
        meter = source.meter
        started = time.perf_counter()
        done = meter.done
        with metrics.cpu("fold"):
            folded = meter.fold(batch.records, int(self._clock()), self._newest())
        folding = time.perf_counter()
        await self._write(source, folded, done)
        written = time.perf_counter()
        await self._publish(batch, source, folded)
        _observe(batch, folded, folding - started, written - folding, time.perf_counter() - written)

    async def _source(self, partition: int) -> Source:
        known = self._sources.get(partition)
        if known is not None and known.held:
            return known
        cells, ids = self._cells.tenure(partition), self._ids.tenure(partition)
        await self._send_what_other_rules_left(partition, cells)
        source = self._sources[partition] = self._restore(cells, ids)
        return source

    async def _send_what_other_rules_left(self, partition: int, cells: Tenure) -> None:
        """Send totals that were written and perhaps not sent, when prices or owners changed in between.

        A replay sends again what it touches; under other rules it touches other cells.
        """
        row = cells.get(meter_table.POSITION)
        position = meter_table.decode_position(row) if row is not None else None
        if position is None or position.rules == self._rules or position.published >= position.version:
            return
        unsent = [
            total(meter_table.split(key), meter_table.decode_row(row))
            for key, row in cells.scan()
            if key != meter_table.POSITION and meter_table.decode_row(row).version > position.published
        ]
        packets = totals.pack(METERED, partition, position.version, position.watermark, unsent, self._partitions)
        await self._publisher.send_many(self._topics.totals, [(None, packet, owner) for owner, packet in packets])

    def _restore(self, cells: Tenure, ids: Tenure) -> Source:
        remembered = Identities()
        remembered.load(identities_table.decode(key, row) for key, row in ids.scan())
        row = cells.get(meter_table.POSITION)
        position = meter_table.decode_position(row) if row is not None else meter_table.Position()

        def read(key: CellKey) -> MeterRow | None:
            stored = cells.get(meter_table.key(key))
            return None if stored is None else meter_table.decode_row(stored)

        meter = Meter(
            book=self._book,
            ownership=self._ownership,
            read=read,
            identities=remembered,
            position=position.version,
            done=position.done,
            watermark=position.watermark,
            reached=position.reached,
        )
        return Source(meter, cells, ids, position.published)

    async def _write(self, source: Source, folded: Folded, done: int) -> None:
        with metrics.cpu("meter rows"):
            rows: dict[bytes, bytes | None] = {
                meter_table.key(key): meter_table.encode_row(row) for key, row in folded.rows.items()
            }
        await asyncio.gather(self._write_cells(source, rows, done), _write_ids(source.ids, folded))

    async def _write_cells(self, source: Source, rows: dict[bytes, bytes | None], done: int) -> None:
        """Write rows between two positions: the first may claim more than is written, the last is the truth."""
        meter = source.meter
        parts = list(chunks(rows)) or [{}]
        for at, chunk in enumerate(parts, start=1):
            complete = meter.done if at == len(parts) else done
            position = meter_table.Position(
                meter.position, meter.watermark, complete, source.published, self._rules, meter.reached
            )
            await source.cells.commit({meter_table.POSITION: meter_table.encode_row(position), **chunk})

    async def _publish(self, batch: Batch, source: Source, folded: Folded) -> None:
        meter = source.meter
        with metrics.cpu("totals"):
            packets = totals.pack(
                METERED, batch.partition, folded.last_offset, meter.watermark, folded.totals(), self._partitions
            )
            # Behind the totals: a packet says that all before it is folded.
            packets += totals.pack_seen(METERED, batch.partition, folded.last_offset, folded.seen, self._partitions)
        now = self._clock()
        letters = [batch.dead_letter("metering", record, reason, now) for record, reason in folded.rejected]
        sent, _ = await asyncio.gather(
            self._publisher.send_many(self._topics.totals, [(None, packet, owner) for owner, packet in packets]),
            self._publisher.send_many(self._topics.dead_letter, [(None, letter, None) for letter in letters]),
        )
        source.published, source.told = folded.last_offset, (meter.watermark, meter.reached)
        source.reached.update((str(owner), offset) for owner, offset in sent)
        progress = {"offset": folded.last_offset, "totals": source.reached, "watermark": min(meter.newest, int(now))}
        self._view.progress(f"meter:{batch.partition}", orjson.dumps(progress))

    async def report(self) -> None:
        """Tell every owner of cost how far each owned partition is."""
        for partition in self._cells.owned() & self._ids.owned():
            report = self._report(partition)
            if report is not None:
                await self._reports.send(partition, report)

    def _report(self, partition: int) -> Report | None:
        """Return what is sent of a partition; None as long as that is not known."""
        source, ended = self._sources.get(partition), self._reports.ended(partition)
        if source is not None and source.held:
            # At its end, nothing is under way between folding and sending.
            meter = source.meter
            if ended:
                return Report(meter.position, meter.watermark, meter.reached, ended)
            return Report(source.published, *source.told)
        if not ended:
            return None
        row = self._cells.tenure(partition).get(meter_table.POSITION)
        position = meter_table.decode_position(row) if row is not None else meter_table.Position()
        return Report(position.version, position.watermark, max(position.reached, position.watermark), ended)

    async def expire(self) -> None:
        """Forget ids and rows older than their retention, in every owned partition."""
        for partition in self._cells.owned() & self._ids.owned():
            source = await self._source(partition)
            watermark = min(source.meter.watermark, int(self._clock()) + DAY)
            oldest = retained_day(watermark, RETENTION_DAYS)
            source.meter.identities.forget(oldest)
            await _delete_before(source.ids, oldest, identities_table.day_of)
            oldest_minute = source.meter.oldest(int(self._clock()), self._newest())
            await _delete_before(source.cells, oldest_minute, meter_table.minute_of)


async def _write_ids(ids: Tenure, folded: Folded) -> None:
    rows: dict[bytes, bytes | None] = {
        identities_table.key(packed.day, folded.last_offset): identities_table.encode(packed, folded.last_offset)
        for packed in folded.identities
    }
    for chunk in chunks(rows):
        await ids.commit(chunk)


async def _delete_before(table: Tenure, bound: int, position: Callable[[bytes], int]) -> None:
    await table.delete(takewhile(lambda key: position(key) < bound, (key for key, _ in table.scan())))


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
        await Merger(metering.handle, fatal).follow(stream)
