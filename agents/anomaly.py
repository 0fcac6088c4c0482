"""Detection: closed hours and five minutes in, anomalies out.

Reads the topic of closed hours (one partition: everything is judged in one place) in batches, and feedback that comes
through it. Writes the table `detectors`. Emits `anomaly-detected` (key: scope) when an anomaly begins and when it
ends, shows all of them in the view, and sends to `dead-letter` what cannot be read. Events are sent, then rows are
written: a crash in between sends the same events with the same ids again. An hour is judged once it is complete; one
that comes again later is judged again. A fetch may hold any part of the hours.
"""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec
import orjson

from agents import metrics
from agents.anomaly_bills import BilledDays
from agents.anomaly_rows import (
    PARTITION,
    Progressing,
    StoredStates,
    episodes_of,
    leftovers,
    lines_between,
    lines_of,
    next_hour,
    stale,
)
from agents.anomaly_told import AnomalyTopics, Telling
from agents.anomaly_windows import Windows
from agents.batch import each
from domain.anomaly import feedback
from domain.anomaly.bills import BILL
from domain.anomaly.detection import Hourly
from domain.anomaly.episodes import encode_episode
from domain.anomaly.hours import decode_part
from domain.anomaly.late import judge_again
from domain.anomaly.state import encode_state
from domain.rejection import Rejected
from domain.windows import DAY, HOUR
from tables import detectors as table
from tables.tenure import PartitionLostError, chunks

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable

    import faust

    from agents.batch import Batch
    from agents.ports import Clock, Publisher, Record, Table, Tenure, View
    from domain.anomaly.calendar import AnomalySettings

logger = logging.getLogger(__name__)

AGENT: Final = "anomaly"
TICK_SECONDS: Final = 5.0
SHOW_SECONDS: Final = 60.0


class Detecting:
    """Detection of this system, in the worker that owns the one partition; `partitions` are those of cost."""

    def __init__(
        self,
        *,
        topics: AnomalyTopics,
        detectors: Table,
        publisher: Publisher,
        view: View,
        settings: AnomalySettings,
        currency: str,
        partitions: int,
        clock: Clock,
    ) -> None:
        self._topics = topics
        self._table = detectors
        self._publisher = publisher
        self._view = view
        self._settings = settings
        self._clock = clock
        self._lock = asyncio.Lock()
        self._rows: Tenure | None = None
        self._shown_at = 0.0
        self._partitions = partitions
        self._progress = Progressing(partitions)
        self._told = Telling(publisher, topics.detected, view, currency, clock)
        self._mark: table.Mark | None = None
        self._windows: Windows | None = None
        self._bills: BilledDays | None = None

    async def handle(self, batch: Batch) -> None:
        """Take in one batch; return when everything it caused is acknowledged."""
        async with self._lock:
            self._load()
            stored = self._held
            rows: dict[bytes, bytes | None] = {}
            again: set[tuple[int, int]] = set()
            providers: set[str] = set()
            for record in batch.records:
                kind = b"" if record.value is None else record.value[:1]
                if kind == b"{":
                    await self._hear(batch, record)
                    continue
                try:
                    if kind == BILL:
                        providers |= self._billed.take(record.value or b"", record.offset, rows)
                    elif record.value is not None:
                        again |= self._take(record, rows)
                except (msgspec.DecodeError, UnicodeDecodeError, ArithmeticError, RecursionError) as error:
                    await self._refuse(batch, record, f"not closed hours: {error}")
            for chunk in chunks(rows):
                await stored.commit(chunk)
            for start, width in sorted(again):
                await self._again(start, width)
            for provider in sorted(providers):
                await self._billed.follow(provider, self._told, batch.last_offset)
            await self._advance(batch.last_offset)
        metrics.BATCH_EVENTS.labels(batch.topic).observe(len(batch.records))

    async def tick(self) -> None:
        """Go on with what was left when the partition came here; show everything now and then."""
        if PARTITION not in self._table.owned():
            return
        async with self._lock:
            try:
                self._load()
                await self._advance(-1)
            except PartitionLostError:
                logger.info("detection was taken away; its new owner goes on")
                return
            if self._clock() - self._shown_at >= SHOW_SECONDS:
                self._told.show(self._told.episodes.values())
                self._show_progress()
                self._shown_at = self._clock()

    def _load(self) -> None:
        """Read anew what is kept in memory, unless it is of this tenure."""
        if self._rows is not None and self._rows.held:
            return
        rows = self._rows = self._table.tenure(PARTITION)
        self._shown_at = 0.0
        self._progress = Progressing(self._partitions, rows)
        self._told.episodes = episodes_of(rows)
        mark = rows.get(table.MARK)
        self._mark = None if mark is None else table.decode_mark(mark)
        self._windows = Windows(rows, self._settings)
        self._bills = BilledDays(rows, self._settings)

    @property
    def _billed(self) -> BilledDays:
        if self._bills is None:
            self._bills = BilledDays(self._held, self._settings)
        return self._bills

    @property
    def _held(self) -> Tenure:
        return self._table.tenure(PARTITION) if self._rows is None else self._rows

    def _take(self, record: Record, rows: dict[bytes, bytes | None]) -> set[tuple[int, int]]:
        """Keep a part of a window; return start and width of the window if it may have to be judged again."""
        part = decode_part(record.value or b"")
        if not part.parts:
            self._progress.hear(part.partition, part.closed, part.fine)
            progress = table.Progress(record.offset, part.closed, part.fine)
            rows[table.progress_key(part.partition)] = table.encode(progress)
            return set()
        kind = table.HOURS if part.width == HOUR else table.WINDOWS
        rows[table.window_key(kind, part.hour, part.partition, part.part)] = record.value
        if part.part == part.parts - 1:
            rows.update(dict.fromkeys(leftovers(self._held, kind, part)))
        if kind == table.WINDOWS:
            judged = self._windows is not None and self._windows.has_judged(part.hour)
        else:
            judged = self._mark is not None and part.hour <= self._mark.hour
        return {(part.hour, part.width)} if judged else set()

    async def _refuse(self, batch: Batch, record: Record, reason: str) -> None:
        letter = batch.dead_letter(AGENT, record, reason, self._clock())
        await self._publisher.send_many(self._topics.dead_letter, [(None, letter, None)])

    async def _hear(self, batch: Batch, record: Record) -> None:
        said = feedback.parse(record.value or b"")
        if isinstance(said, Rejected):
            await self._refuse(batch, record, said.reason)
            return
        if await self._billed.hear(said, self._told, record.offset):
            return
        hourly = self._hourly()
        feedback.hear(hourly, said, record.offset, 0 if self._mark is None else self._mark.hour)
        await self._write(hourly, {})

    async def _advance(self, offset: int) -> None:
        """Judge every hour that is complete by now, in order, and before each its five minutes."""
        if self._mark is not None and not self._mark.done:
            await self._finish(self._mark)
        while (hour := next_hour(self._held, self._mark)) is not None:
            await self._five_minutes(hour)
            if not self._progress.complete(hour):
                return
            await self._judge(hour, offset)

    async def _five_minutes(self, hour: int) -> None:
        """Judge the five minutes of an hour that are complete by now."""
        windows, mark = self._windows, self._mark
        if windows is None or mark is None or not windows.on:
            return
        windows.begin(hour, self._hourly(), mark)
        while windows.next < hour + HOUR and self._progress.complete_fine(windows.next):
            hourly = self._hourly()
            window = windows.judge(hourly)
            if hourly.keeper.changed:
                self._mark = table.Mark(mark.version, mark.hour, done=True, fine=window)
                await self._write(hourly, {table.MARK: table.encode(self._mark)})
            await asyncio.sleep(0)

    async def _judge(self, hour: int, offset: int) -> None:
        started = time.perf_counter()
        hourly = self._hourly()
        for _ in hourly.hour(hour, lines_of(self._held, hour), offset):
            await asyncio.sleep(0)
        self._mark = table.Mark(offset, hour, done=False)
        fast: dict[bytes, bytes | None] = {} if self._windows is None else self._windows.written_with(hour, hourly)
        await self._write(hourly, {table.MARK: table.encode(self._mark), **fast})
        self._mark = table.Mark(offset, hour, done=True)
        await self._held.commit({table.MARK: table.encode(self._mark)})
        self._show_progress()
        if self._windows is not None:
            await self._windows.forget(hour)
        if hour % DAY == 0:
            await self._held.delete(list(stale(self._held, hour - table.HOURS_KEPT)))
            await self._forget(hour - table.EPISODES_KEPT)
        metrics.ANOMALY_HOUR.set(hour)
        metrics.ANOMALY_SCOPES.set(len(hourly.states))
        metrics.STAGE_SECONDS.labels("anomaly").inc(time.perf_counter() - started)

    async def _finish(self, mark: table.Mark) -> None:
        """Let those models learn an hour that had not been written when the last owner ended; all was told."""
        hourly = self._hourly()
        for _ in hourly.hour(mark.hour, lines_of(self._held, mark.hour), mark.version):
            await asyncio.sleep(0)
        self._mark = table.Mark(mark.version, mark.hour, done=True)
        rows: dict[bytes, bytes | None] = {table.state_key(key): encode_state(s) for key, s in hourly.states.items()}
        for chunk in chunks(rows | {table.MARK: table.encode(self._mark)}):
            await self._held.commit(chunk)

    async def _again(self, start: int, width: int) -> None:
        hourly = self._hourly()
        if width == HOUR:
            judge_again(hourly, start, lines_of(self._held, start), float(self._settings.minimum))
            hourly.draw()
        elif self._windows is not None:
            self._windows.again(start, hourly)
        await self._write(hourly, {})

    def _hourly(self) -> Hourly:
        rows = self._held
        return Hourly(StoredStates(rows), self._told.episodes, self._settings, partial(lines_between, rows))

    async def _write(self, hourly: Hourly, mark: dict[bytes, bytes | None]) -> None:
        """Tell what began and what ended, then write it."""
        await self._told.send(hourly.keeper)
        rows = mark | {table.episode_key(each): encode_episode(one) for each, one in hourly.keeper.changed.items()}
        rows |= {table.state_key(key): encode_state(state) for key, state in hourly.states.items()}
        for chunk in chunks(rows):
            await self._held.commit(chunk)
        self._told.keep(hourly.keeper)

    async def _forget(self, before: int) -> None:
        old = [each.id for each in self._told.episodes.values() if each.closed and each.closed < before]
        await self._held.delete(map(table.episode_key, old))
        for identifier in old:
            self._told.forget(identifier)

    def _show_progress(self) -> None:
        if self._mark is not None:
            self._view.progress("anomaly", orjson.dumps({"judged_until": self._mark.hour + HOUR}))


def install(
    app: faust.App, *, channel: faust.ChannelT[Any], detecting: Detecting, fatal: Callable[[BaseException], None]
) -> None:
    """Register the agent `anomaly`, and what it does between batches."""

    @app.agent(channel, name="anomaly")
    async def detect(stream: AsyncIterable[Any]) -> None:
        await each(stream, detecting.handle, fatal)

    # No timer: those complain when their work takes longer than their interval, as a month of history does.
    @app.task  # type: ignore[untyped-decorator]
    async def go_on() -> None:
        while not app.should_stop:
            await app.sleep(TICK_SECONDS)
            await detecting.tick()
