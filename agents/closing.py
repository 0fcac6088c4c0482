"""Closed hours of the rollup's partitions, sent to detection: a sweep beside the stream, not in its way.

Reads the rows of `costs`; sends to the topic of closed hours, which has one partition: detection sees everything at
once. What was closed, and what changed after, is a row of `costs` (kind `o`), written with the cells that changed it.
Hours are sent first and struck out after, so a crash in between sends them again; they overwrite themselves.
"""

from __future__ import annotations

import asyncio
from decimal import localcontext
from typing import TYPE_CHECKING, Final

from domain.anomaly.closing import LIVE, Closing, advance, closed_until, sent
from domain.anomaly.hours import HourLine, mark, split
from domain.money import EXACT
from domain.rollup import FULL
from domain.sources import METERED, parse
from domain.windows import HOUR, Granularity, Window
from tables import costs as table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agents.ports import Clock, Publisher, Tenure

HOURS_AT_ONCE: Final = 24
SETTLE: Final = 3.0
# A source partition that says nothing for so long is not waited for; one that plays history may be busy elsewhere.
IDLE: Final = 5.0
IDLE_BEHIND: Final = 60.0
QUIET: Final = 10.0
# Late events touch many old hours all the time: some are sent again now and then, what waited longest first.
RESEND_EVERY: Final = 20.0
RESENT_AT_ONCE: Final = 4
RESENT_WHEN_QUIET: Final = 24


class Hours:
    """What is closed of one partition; the rollup tells what it hears of and what it touches.

    Source partitions are read side by side, and history as fast as it can be: an hour is closed when the slowest source
    partition that was heard of lately has passed it, and nothing has touched it for `SETTLE` seconds of the clock.
    """

    def __init__(self, costs: Tenure) -> None:
        self._sources: dict[tuple[str, int], tuple[int, float]] = {}
        self._touched: dict[int, float] = {}
        self._heard = 0.0
        self.announced = False
        self._is_busy = False
        self._resent: dict[int, float] = {}
        stored = costs.get(table.CLOSING)
        self.closing = Closing() if stored is None else table.decode_closing(stored)
        self._written = self.closing

    def heard(self, source: str, partition: int, watermark: int, now: float) -> None:
        """Take note of how far a source partition is."""
        self._sources[source, partition] = watermark, now

    def touch(self, minutes: Iterable[int], now: float) -> dict[bytes, bytes | None]:
        """Take note of minutes that changed; return the row to write with them, if any."""
        touched = {minute - minute % HOUR for minute in minutes}
        self._touched.update(dict.fromkeys(touched, now))
        self.closing = self.closing.touch(touched)
        return {} if self.closing is self._written else self.row()

    def until(self, watermark: int, now: float) -> int:
        """Return the hour up to which everything is closed; `watermark` is that of the newest source partition."""
        self._touched = {hour: at for hour, at in self._touched.items() if now - at < SETTLE}
        lately = [reached for reached, at in self._sources.values() if now - at < _idle(now - reached)]
        self._heard = max(self._heard or now, *(at for _, at in self._sources.values()), 0.0)
        self._is_busy = now - self._heard < QUIET
        slowest = min(lately, default=watermark) if self._is_busy else watermark
        until = closed_until(self.closing, slowest, int(now), quiet=not self._is_busy)
        unsettled = [hour for hour in self._touched if hour >= self.closing.closed]
        return max(min([until, *unsettled]), self.closing.closed)

    def changed(self, now: float) -> list[int]:
        """Return the hours to send again now, of those that have changed since they were sent."""
        last = max(self._resent.values(), default=-RESEND_EVERY)
        if self._is_busy and now - last < RESEND_EVERY:
            return []
        waiting = [hour for hour in self.closing.dirty if hour not in self._touched]
        waiting.sort(key=lambda hour: (self._resent.get(hour, 0.0), hour))
        return sorted(waiting[: RESENT_AT_ONCE if self._is_busy else RESENT_WHEN_QUIET])

    def sent_again(self, hours: Iterable[int], now: float) -> None:
        """Strike out hours that were sent again."""
        hours = set(hours)
        self._resent = {hour: at for hour, at in self._resent.items() if hour in self.closing.dirty}
        self._resent |= dict.fromkeys(hours, now)
        self.closing = sent(self.closing, hours)

    def is_on_its_way(self, now: float) -> bool:
        """Tell whether history is still being played here: who waits for this partition is to go on waiting."""
        return self._is_busy and now - self.closing.closed > LIVE

    def row(self) -> dict[bytes, bytes | None]:
        """Return the row as it is to be written."""
        return {table.CLOSING: table.encode(self.closing)}

    def wrote(self) -> None:
        """Know that the row is written."""
        self._written = self.closing


def _idle(behind: float) -> float:
    return IDLE if behind <= LIVE else IDLE_BEHIND


class Sweep:
    """Sends what is closed."""

    def __init__(self, publisher: Publisher, topic: str, clock: Clock) -> None:
        self._publisher = publisher
        self._topic = topic
        self._clock = clock

    async def partition(self, number: int, costs: Tenure, hours: Hours, watermark: int) -> None:
        """Send the hours of a partition that are closed by now, or that have changed since."""
        closing = hours.closing
        if not closing.closed and not hours.announced:
            # Detection waits for those that it knows of.
            await self._publisher.send_many(self._topic, [(None, mark(number, 0), 0)])
            hours.announced = True
        until = hours.until(watermark, self._clock())
        dirty = hours.changed(self._clock())
        if until == closing.closed and not dirty:
            if hours.is_on_its_way(self._clock()):
                await self._publisher.send_many(self._topic, [(None, mark(number, until), 0)])
            return
        await self._send(number, costs, dirty, closing.closed)
        at = closing.closed
        while at < until:
            # Only hours that have rows; a gap of years is one mark.
            some = _hours_with_cost(costs, at, until)
            await self._send(number, costs, some, at)
            at = until if len(some) < HOURS_AT_ONCE else some[-1] + HOUR
        await self._publisher.send_many(self._topic, [(None, mark(number, until), 0)])
        # What the stream touched meanwhile stays noted.
        hours.sent_again(dirty, self._clock())
        hours.closing = advance(hours.closing, until)
        await costs.commit(hours.row())

    async def _send(self, number: int, costs: Tenure, hours: Iterable[int], closed: int) -> None:
        for hour in hours:
            messages = split(number, max(closed, hour), hour, _lines(costs, hour))
            await self._publisher.send_many(self._topic, [(None, message, 0) for message in messages])
            await asyncio.sleep(0)


def _hours_with_cost(costs: Tenure, start: int, end: int) -> list[int]:
    found: list[int] = []
    hour = start
    prefix = table.projection_prefix(Granularity.HOUR, FULL)
    while hour < end and len(found) < HOURS_AT_ONCE:
        first = next(iter(costs.scan(prefix, prefix + hour.to_bytes(4, "big"))), None)
        hour = end if first is None else table.start_of(first[0])
        if hour < end:
            found.append(hour)
        hour += HOUR
    return found


def _lines(costs: Tenure, hour: int) -> list[HourLine]:
    """Return the metered cost of an hour by full scope and resource type; cost units are summed up."""
    lines: dict[tuple[tuple[str, ...], str], HourLine] = {}
    prefix = table.window_prefix(Window(Granularity.HOUR, hour), FULL)
    with localcontext(EXACT):
        for key, stored in costs.scan(prefix):
            line, row = table.split_projection_key(key).line, table.decode_projection(stored)
            if parse(line.source).kind != METERED:
                continue
            place = line.values, line.resource_type
            known = lines.get(place)
            lines[place] = HourLine(
                line.values,
                line.resource_type,
                row.events + (known.events if known else 0),
                row.units + (known.units if known else 0),
                row.amount + (known.amount if known else 0),
            )
    return list(lines.values())
