"""Closed windows of the rollup's partitions, sent to detection: a sweep beside the stream, not in its way.

Reads the rows of `costs`; sends to the topic of closed hours, which has one partition: detection sees everything at
once. What was closed, and what changed after, is a row of `costs` (kind `o`), written with the cells that changed it.
Windows are sent first and struck out after, so a crash in between sends them again; they overwrite themselves. The five
minutes of an hour are sent before it.
"""

from __future__ import annotations

import asyncio
from decimal import localcontext
from typing import TYPE_CHECKING, Final

from agents.closing_lines import WINDOWS_AT_ONCE, hour_lines, hours_with_cost, windows_with_cost
from domain.anomaly.closing import Closing, advance, sent
from domain.anomaly.fast_state import WIDTH
from domain.anomaly.hours import mark, split
from domain.anomaly.sources import Sources
from domain.money import EXACT
from domain.windows import HOUR
from tables import costs as table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agents.ports import Clock, Outgoing, Publisher, Tenure
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
        self._fine = Sources(sources, WIDTH)
        self._touched: dict[int, float] = {}
        self._resent: dict[int, float] = {}
        stored = costs.get(table.CLOSING)
        self.closing = Closing() if stored is None else table.decode_closing(stored)
        self.sending = 0, 0
        self._written = self.closing

    def heard(self, reports: Iterable[tuple[int, Report]], now: float) -> None:
        """Take note of how far source partitions are; all that they speak of is folded."""
        for partition, report in reports:
            self._sources.hear(partition, report, now)
            self._fine.hear(partition, report, now)

    def touch(self, minutes: Iterable[int], now: float) -> dict[bytes, bytes | None]:
        """Take note of minutes that changed; return the row to write with them, if any."""
        minutes = set(minutes)
        self._touched.update(dict.fromkeys({minute - minute % HOUR for minute in minutes}, now))
        self.closing = self.closing.touch(minutes, self.sending)
        return {} if self.closing is self._written else self.row()

    def until(self, now: float) -> tuple[int, int]:
        """Return up to which hour, and up to which five minutes, everything is closed."""
        hour = self._sources.closed_until(self.closing.closed, int(now))
        return hour, max(hour, self._fine.closed_until(self.closing.fine, int(now)))

    def changed(self, now: float) -> list[int]:
        """Return the hours to send again now, of those that have changed since they were sent."""
        self._touched = {hour: at for hour, at in self._touched.items() if now - at < SETTLE}
        last = max(self._resent.values(), default=-RESEND_EVERY)
        if not self._sources.calm and now - last < RESEND_EVERY:
            return []
        waiting = [hour for hour in self.closing.dirty if hour not in self._touched]
        waiting.sort(key=lambda hour: (self._resent.get(hour, 0.0), hour))
        return sorted(waiting[: RESENT_WHEN_CALM if self._sources.calm else RESENT_AT_ONCE])

    def changed_fine(self) -> list[int]:
        """Return the five minutes to send again now: those of an hour in which nothing came just before."""
        return [window for window in self.closing.fine_dirty if window - window % HOUR not in self._touched]

    def sent_again(self, hours: Sequence[int], windows: Sequence[int], now: float) -> None:
        """Strike out what was sent again."""
        self._resent = {hour: at for hour, at in self._resent.items() if hour in self.closing.dirty}
        self._resent |= dict.fromkeys(hours, now)
        self.closing = sent(self.closing, hours, windows)

    def row(self) -> dict[bytes, bytes | None]:
        """Return the row as it is to be written."""
        return {table.CLOSING: table.encode(self.closing)}

    def wrote(self) -> None:
        """Know that the row is written."""
        self._written = self.closing


class Sweep:
    """Sends what is closed; five minutes too, if there is anybody to judge them (`fine`)."""

    def __init__(self, publisher: Publisher, topic: str, clock: Clock, *, fine: bool = True) -> None:
        self._publisher = publisher
        self._topic = topic
        self._clock = clock
        self._fine = fine

    async def partition(self, number: int, costs: Tenure, hours: Hours) -> None:
        """Send the windows of a partition that are closed by now, or that have changed since."""
        closing = hours.closing
        until, fine = hours.until(self._clock())
        dirty = hours.changed(self._clock())
        windows = hours.changed_fine() if self._fine else []
        if (until, fine) == (closing.closed, closing.fine) and not dirty and not windows:
            return
        # What the stream touches from here on is late.
        hours.sending = until, fine
        # Struck out first: what is touched while they are read is noted again.
        hours.sent_again(dirty, windows, self._clock())
        if self._fine:
            for window in windows:
                await self._windows(number, costs, window, window + WIDTH)
            await self._windows(number, costs, closing.fine, fine)
        await self._hours(number, costs, dirty, closing.closed)
        at = closing.closed
        while at < until:
            # Only hours that have rows; a gap of years is one mark.
            some = hours_with_cost(costs, at, until, HOURS_AT_ONCE)
            await self._hours(number, costs, some, at)
            at = until if len(some) < HOURS_AT_ONCE else some[-1] + HOUR
        await self._publisher.send_many(self._topic, [(None, mark(number, until, fine), 0)])
        hours.closing = advance(hours.closing, until, fine)
        await costs.commit(hours.row())

    async def _hours(self, number: int, costs: Tenure, hours: Iterable[int], closed: int) -> None:
        for hour in hours:
            with localcontext(EXACT):
                lines = hour_lines(costs, hour)
            messages = split(number, max(closed, hour), hour, lines)
            await self._publisher.send_many(self._topic, [(None, message, 0) for message in messages])
            await asyncio.sleep(0)

    async def _windows(self, number: int, costs: Tenure, start: int, end: int) -> None:
        """Send five minutes that have cost, some at a time."""
        at = start
        while at < end:
            with localcontext(EXACT):
                some, at = windows_with_cost(costs, at, end, WINDOWS_AT_ONCE)
            records: list[Outgoing] = [
                (None, message, 0) for window, lines in some for message in split(number, window, window, lines, WIDTH)
            ]
            await self._publisher.send_many(self._topic, records)
            await asyncio.sleep(0)
