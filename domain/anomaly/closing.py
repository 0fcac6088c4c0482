"""When an hour of a partition of cost is closed: by event time, or by the clock for a partition that keeps up with it.

- By event time: the watermark is `GRACE` past the end of the hour.
- By the clock: `PATIENCE` after that, an hour closes without a word from its sources, so that a source that stops is
  seen; only in a partition that is no more than `LIVE` behind (history that is played closes by its own time alone).
- History that has stopped to arrive is closed up to its newest hour, which may be half of one.

An hour that gains or loses cost after it was closed is `dirty`, and is sent again.
"""

from __future__ import annotations

from typing import Final

import msgspec

from domain.windows import HOUR, floor

GRACE: Final = 5 * 60
PATIENCE: Final = 10 * 60
LIVE: Final = 3 * HOUR
# Hours that are sent again; older ones are nobody's news.
MAX_DIRTY: Final = 72


class Closing(msgspec.Struct, frozen=True, array_like=True):
    """How far a partition is: hours before `closed` were sent, `dirty` ones changed since, `newest` has cost."""

    closed: int = 0
    dirty: tuple[int, ...] = ()
    newest: int = 0

    def touch(self, hours: set[int]) -> Closing:
        """Take note of hours that gained or lost cost; the first ones say where a partition begins."""
        if not hours:
            return self
        closed = self.closed or min(hours)
        late = {hour for hour in hours if closed - MAX_DIRTY * HOUR <= hour < closed}
        newest = max(self.newest, *hours)
        if (closed, newest) == (self.closed, self.newest) and late <= set(self.dirty):
            return self
        return Closing(closed, tuple(sorted({*self.dirty, *late})[-MAX_DIRTY:]), newest)


def closed_until(closing: Closing, watermark: int, now: int, *, quiet: bool) -> int:
    """Return the hour up to which everything is closed (its first second); `quiet` when nothing arrives any more."""
    if not closing.closed:
        return 0
    until = floor(watermark - GRACE, HOUR)
    if quiet and now - (closing.newest + HOUR) > LIVE:
        until = max(until, closing.newest)
    if now - max(closing.closed, until) <= LIVE:
        until = max(until, floor(now - GRACE - PATIENCE, HOUR))
    # A sender whose clock is ahead closes nothing before its time.
    return max(closing.closed, min(until, floor(now, HOUR)))


def advance(closing: Closing, until: int) -> Closing:
    """Close the hours before `until`."""
    return Closing(max(until, closing.closed), closing.dirty, closing.newest)


def sent(closing: Closing, hours: set[int]) -> Closing:
    """Strike out hours that were sent again."""
    return Closing(closing.closed, tuple(hour for hour in closing.dirty if hour not in hours), closing.newest)
