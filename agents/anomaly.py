"""Detection: closed hours in, anomalies out.

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
from typing import TYPE_CHECKING, Any, Final

import msgspec
import orjson

from agents import metrics
from agents.anomaly_rows import (
    PARTITION,
    Progressing,
    StoredStates,
    episodes_of,
    first_hour,
    leftovers,
    lines_of,
    stale,
)
from agents.batch import each
from domain.anomaly import feedback
from domain.anomaly.detection import Hourly
from domain.anomaly.episodes import document, encode_episode, label, series, told, told_closed
from domain.anomaly.hours import decode_part
from domain.anomaly.late import judge_again
from domain.anomaly.state import encode_state
from domain.rejection import Rejected
from domain.windows import DAY, HOUR, to_rfc3339
from tables import detectors as table
from tables.tenure import PartitionLostError, chunks

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Iterable

    import faust

    from agents.batch import Batch
    from agents.ports import Clock, Publisher, Record, Table, Tenure, View
    from domain.anomaly.calendar import AnomalySettings
    from domain.anomaly.episodes import Episode

logger = logging.getLogger(__name__)

KIND: Final = "anomalies"
TICK_SECONDS: Final = 5.0
SHOW_SECONDS: Final = 60.0
GAP: Final = 14 * DAY


class AnomalyTopics(msgspec.Struct, frozen=True):
    """Topic names that detection writes."""

    detected: str
    dead_letter: str


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
        self._currency = currency
        self._clock = clock
        self._lock = asyncio.Lock()
        self._rows: Tenure | None = None
        self._shown_at = 0.0
        self._partitions = partitions
        self._progress = Progressing(partitions)
        self._episodes: dict[str, Episode] = {}
        self._mark: table.Mark | None = None

    async def handle(self, batch: Batch) -> None:
        """Take in one batch; return when everything it caused is acknowledged."""
        async with self._lock:
            self._load()
            stored = self._held
            rows: dict[bytes, bytes | None] = {}
            again: set[int] = set()
            for record in batch.records:
                if record.value is not None and record.value[:1] == b"{":
                    await self._hear(batch, record)
                elif record.value is not None:
                    again |= self._take(record, rows)
            for chunk in chunks(rows):
                await stored.commit(chunk)
            for hour in sorted(again):
                await self._again(hour)
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
                self._show(self._episodes.values())
                self._show_progress()
                self._shown_at = self._clock()

    def _load(self) -> None:
        """Read anew what is kept in memory, unless it is of this tenure."""
        if self._rows is not None and self._rows.held:
            return
        rows = self._rows = self._table.tenure(PARTITION)
        self._shown_at = 0.0
        self._progress = Progressing(self._partitions, rows)
        self._episodes = episodes_of(rows)
        mark = rows.get(table.MARK)
        self._mark = None if mark is None else table.decode_mark(mark)

    @property
    def _held(self) -> Tenure:
        return self._table.tenure(PARTITION) if self._rows is None else self._rows

    def _take(self, record: Record, rows: dict[bytes, bytes | None]) -> set[int]:
        """Keep a part of an hour; return the hour if it is to be judged again."""
        part = decode_part(record.value or b"")
        if not part.parts:
            self._progress.hear(part.partition, part.closed)
            progress = table.Progress(record.offset, part.closed)
            rows[table.progress_key(part.partition)] = table.encode(progress)
            return set()
        rows[table.hour_key(part.hour, part.partition, part.part)] = record.value
        if part.part == part.parts - 1:
            rows.update(dict.fromkeys(leftovers(self._held, part.hour, part.partition, part.parts)))
        return {part.hour} if self._mark is not None and part.hour <= self._mark.hour else set()

    async def _hear(self, batch: Batch, record: Record) -> None:
        said = feedback.parse(record.value or b"")
        if isinstance(said, Rejected):
            letter = batch.dead_letter("anomaly", record, said.reason, self._clock())
            await self._publisher.send_many(self._topics.dead_letter, [(None, letter, None)])
            return
        hourly = self._hourly()
        feedback.hear(hourly, said, record.offset, 0 if self._mark is None else self._mark.hour)
        await self._write(hourly, {})

    async def _advance(self, offset: int) -> None:
        """Judge every hour that is complete by now, in order."""
        if self._mark is not None and not self._mark.done:
            await self._finish(self._mark)
        while (hour := self._next()) is not None and self._progress.complete(hour):
            await self._judge(hour, offset)

    def _next(self) -> int | None:
        """Return the hour to judge next; a gap of weeks is jumped over."""
        if self._mark is None:
            return first_hour(self._held, 0)
        following = self._mark.hour + HOUR
        if any(True for _ in self._held.scan(table.hour_prefix(following))):
            return following
        further = first_hour(self._held, following)
        return further if further is not None and further - following > GAP else following

    async def _judge(self, hour: int, offset: int) -> None:
        started = time.perf_counter()
        hourly = self._hourly()
        for _ in hourly.hour(hour, lines_of(self._held, hour), offset):
            await asyncio.sleep(0)
        self._mark = table.Mark(offset, hour, done=False)
        await self._write(hourly, {table.MARK: table.encode(self._mark)})
        self._mark = table.Mark(offset, hour, done=True)
        await self._held.commit({table.MARK: table.encode(self._mark)})
        self._show_progress()
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

    async def _again(self, hour: int) -> None:
        hourly = self._hourly()
        judge_again(hourly, hour, lines_of(self._held, hour), float(self._settings.minimum))
        hourly.draw()
        await self._write(hourly, {})

    def _hourly(self) -> Hourly:
        return Hourly(StoredStates(self._held), self._episodes, self._settings)

    async def _write(self, hourly: Hourly, mark: dict[bytes, bytes | None]) -> None:
        """Tell what began and what ended, then write it."""
        keeper, now = hourly.keeper, int(self._clock())
        events = [(keeper.changed[each], told) for each in keeper.opened]
        events += [(keeper.changed[each], told_closed) for each in keeper.closed]
        records = [(label(one.key).encode(), tell(one, self._currency, now), None) for one, tell in events]
        await self._publisher.send_many(self._topics.detected, records)
        rows = mark | {table.episode_key(each): encode_episode(one) for each, one in keeper.changed.items()}
        rows |= {table.state_key(key): encode_state(state) for key, state in hourly.states.items()}
        for chunk in chunks(rows):
            await self._held.commit(chunk)
        self._episodes |= keeper.changed
        self._show(keeper.changed.values())
        for one, tell in events:
            _log(one, "began" if tell is told else "ended")

    async def _forget(self, before: int) -> None:
        old = [each.id for each in self._episodes.values() if each.closed and each.closed < before]
        await self._held.delete(map(table.episode_key, old))
        for identifier in old:
            del self._episodes[identifier]
            self._view.document(KIND, identifier, None)

    def _show_progress(self) -> None:
        if self._mark is not None:
            self._view.progress("anomaly", orjson.dumps({"judged_until": self._mark.hour + HOUR}))

    def _show(self, episodes: Iterable[Episode]) -> None:
        for episode in episodes:
            shown = document(episode, self._currency) | {"series": series(episode)}
            self._view.document(KIND, episode.id, orjson.dumps(shown))


def _log(episode: Episode, what: str) -> None:
    metrics.ANOMALIES.labels(what, episode.kind).inc()
    about = {
        "anomaly_id": episode.id,
        "scope": label(episode.key),
        "driver": episode.driver,
        "since": to_rfc3339(episode.first),
    }
    logger.info("anomaly %s", what, extra={"about": about})


def install(
    app: faust.App, *, channel: faust.ChannelT[Any], detecting: Detecting, fatal: Callable[[BaseException], None]
) -> None:
    """Register the agent `anomaly`, and its timer."""

    @app.agent(channel, name="anomaly")
    async def detect(stream: AsyncIterable[Any]) -> None:
        await each(stream, detecting.handle, fatal)

    @app.timer(interval=TICK_SECONDS, name="anomaly-hours")  # type: ignore[untyped-decorator]
    async def go_on() -> None:
        await detecting.tick()
