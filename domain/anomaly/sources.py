"""When a window (an hour, five minutes) is over: by what every source partition has reached, or the proof of its end.

Each source partition reports to every partition of cost, behind all that it sent there: the event time that it has
passed, and whether, at some instant, all that the broker held of it was folded and sent on. So nobody has to guess
from silence, which may as well be a busy machine. A source partition is done with a window when

- its watermark is `GRACE` past the end of the window;
- or it was at its end, and had been for `STILL` seconds, when that was `STILL` seconds after the first other one had
  passed the window, and `PATIENCE` after it by the clock. One that is fed more slowly than the others, or read
  more slowly, is waited for; one that has stopped is not.

A window is closed once every source partition is done with it. When nothing at all has come anywhere for `CALM`
seconds, everything has ended: history up to its newest window, which may be half of one; what is no more than `LIVE`
behind the clock goes on by the clock, so that it is seen when everything stops.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Final, NamedTuple

from domain.windows import HOUR, floor

GRACE: Final = 5 * 60
PATIENCE: Final = 10 * 60
LIVE: Final = 3 * HOUR
STILL: Final = 60
CALM: Final = 20
_STEPS_KEPT: Final = 4_096


class Report(NamedTuple):
    """How far a source partition is; what it says was sent behind everything up to `offset`.

    `watermark` is the event time that most of its events have reached, `newest` that of its newest event. At `ended`
    (seconds of the clock; 0: not known to be) it was at its end, and nothing had come for `still` seconds.
    """

    offset: int
    watermark: int
    newest: int = 0
    ended: int = 0
    still: int = 0

    @property
    def passed(self) -> int:
        """The first second of the first hour that it has not passed."""
        return self.passed_by(HOUR)

    def passed_by(self, width: int) -> int:
        """Return the first second of the first window of a width that it has not passed."""
        return max(0, floor(self.watermark - GRACE, width))


class Sources:
    """What one partition of cost has heard of its `count` source partitions; it closes windows of `width` seconds."""

    def __init__(self, count: int, width: int = HOUR) -> None:
        self._count = count
        self._width = width
        self._reports: dict[int, Report] = {}
        # When the first of them had passed what: two lists that grow together.
        self._at: list[float] = []
        self._led: list[int] = []

    def hear(self, partition: int, report: Report, now: float) -> None:
        """Take a report in; one from before what is known moves nothing but the watermark."""
        known = self._reports.get(partition)
        if known is not None:
            watermark, newest = max(known.watermark, report.watermark), max(known.newest, report.newest)
            latest = known if report.offset < known.offset else report
            report = latest._replace(watermark=watermark, newest=newest)
        self._reports[partition] = report
        passed = report.passed_by(self._width)
        if passed > (self._led[-1] if self._led else 0):
            self._at.append(now)
            self._led.append(passed)
            del self._at[:-_STEPS_KEPT], self._led[:-_STEPS_KEPT]

    @property
    def calm(self) -> bool:
        """Whether nothing has come anywhere for `CALM` seconds, as far as all were seen at their end together."""
        reports = self._reports.values()
        if len(reports) < self._count or not all(each.ended for each in reports):
            return False
        return min(each.ended for each in reports) - max(each.ended - each.still for each in reports) >= CALM

    def closed_until(self, closed: int, now: int) -> int:
        """Return the window up to which everything is closed (its first second), when it was `closed` until now."""
        if len(self._reports) < self._count:
            return closed
        until = min(max(each.passed_by(self._width), self._given_up(each)) for each in self._reports.values())
        if self.calm:
            until = max(until, self._ended(closed))
        # A sender whose clock is ahead closes nothing before its time.
        return max(closed, min(until, floor(now, self._width)))

    def _given_up(self, report: Report) -> int:
        """Return up to which hour one that is at its end is not waited for."""
        if not report.ended or report.still < STILL:
            return 0
        step = bisect_right(self._at, report.ended - STILL)
        return min(self._led[step - 1], self._by_the_clock(report.ended)) if step else 0

    def _ended(self, closed: int) -> int:
        newest = floor(max(each.newest for each in self._reports.values()), self._width)
        ended = min(each.ended for each in self._reports.values())
        return self._by_the_clock(ended) if ended - max(closed, newest) <= LIVE else newest

    def _by_the_clock(self, now: int) -> int:
        return floor(now - GRACE - PATIENCE, self._width)
