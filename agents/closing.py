"""Closed hours of the rollup's partitions, sent to detection: a sweep beside the stream, not in its way.

Reads the rows of `costs`; sends to the topic of closed hours, which has one partition: detection sees everything at
once. What was closed, and what changed after, is a row of `costs` (kind `o`), written with the cells that changed it.
Hours are sent first and struck out after, so a crash in between sends them again; they overwrite themselves.
"""

from __future__ import annotations

import asyncio
from decimal import localcontext
from typing import TYPE_CHECKING, Final

from domain.anomaly.closing import Closing, advance, sent
from domain.anomaly.hours import HourLine, mark, split
from domain.anomaly.sources import Sources
from domain.money import EXACT
from domain.rollup import FULL
from domain.sources import METERED, parse
from domain.windows import HOUR, Granularity, Window
from tables import costs as table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agents.ports import Clock, Publisher, Tenure
    from domain.anomaly.sources import Report

HOURS_AT_ONCE: Final = 24
SETTLE: Final = 3.0
# Late events touch many old hours all the time: some are sent again now and then, what waited longest first.
RESEND_EVERY: Final = 20.0
RESENT_AT_ONCE: Final = 4
RESENT_WHEN_CALM: Final = 24


class Hours:
    """What is closed of one partition; the rollup tells what it hears of and what it touches."""

    def __init__(self, costs: Tenure, sources: int) -> None:
        self._sources = Sources(sources)
        self._touched: dict[int, float] = {}
        self._resent: dict[int, float] = {}
        stored = costs.get(table.CLOSING)
        self.closing = Closing() if stored is None else table.decode_closing(stored)
        self._written = self.closing

    def heard(self, reports: Iterable[tuple[int, Report]], now: float) -> None:
        """Take note of how far source partitions are; all that they speak of is folded."""
        for partition, report in reports:
            self._sources.hear(partition, report, now)

    def touch(self, minutes: Iterable[int], now: float) -> dict[bytes, bytes | None]:
        """Take note of minutes that changed; return the row to write with them, if any."""
        touched = {minute - minute % HOUR for minute in minutes}
        self._touched.update(dict.fromkeys(touched, now))
        self.closing = self.closing.touch(touched)
        return {} if self.closing is self._written else self.row()

    def until(self, now: float) -> int:
        """Return the hour up to which everything is closed."""
        return self._sources.closed_until(self.closing.closed, int(now))

    def changed(self, now: float) -> list[int]:
        """Return the hours to send again now, of those that have changed since they were sent."""
        self._touched = {hour: at for hour, at in self._touched.items() if now - at < SETTLE}
        last = max(self._resent.values(), default=-RESEND_EVERY)
        if not self._sources.calm and now - last < RESEND_EVERY:
            return []
        waiting = [hour for hour in self.closing.dirty if hour not in self._touched]
        waiting.sort(key=lambda hour: (self._resent.get(hour, 0.0), hour))
        return sorted(waiting[: RESENT_WHEN_CALM if self._sources.calm else RESENT_AT_ONCE])

    def sent_again(self, hours: Iterable[int], now: float) -> None:
        """Strike out hours that were sent again."""
        hours = set(hours)
        self._resent = {hour: at for hour, at in self._resent.items() if hour in self.closing.dirty}
        self._resent |= dict.fromkeys(hours, now)
        self.closing = sent(self.closing, hours)

    def row(self) -> dict[bytes, bytes | None]:
        """Return the row as it is to be written."""
        return {table.CLOSING: table.encode(self.closing)}

    def wrote(self) -> None:
        """Know that the row is written."""
        self._written = self.closing


class Sweep:
    """Sends what is closed."""

    def __init__(self, publisher: Publisher, topic: str, clock: Clock) -> None:
        self._publisher = publisher
        self._topic = topic
        self._clock = clock

    async def partition(self, number: int, costs: Tenure, hours: Hours) -> None:
        """Send the hours of a partition that are closed by now, or that have changed since."""
        closing = hours.closing
        until = hours.until(self._clock())
        dirty = hours.changed(self._clock())
        if until == closing.closed and not dirty:
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
