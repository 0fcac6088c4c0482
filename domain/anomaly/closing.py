"""What is closed of a partition of cost: the hours that were sent to detection, and which of them have changed since.

When an hour is closed is for its sources to say (`domain.anomaly.sources`). An hour that gains or loses cost after it
was closed is `dirty`, and is sent again.
"""

from __future__ import annotations

from typing import Final

import msgspec

from domain.windows import HOUR

# Hours that are sent again; older ones are nobody's news.
MAX_DIRTY: Final = 72


class Closing(msgspec.Struct, frozen=True, array_like=True):
    """How far a partition is: hours before `closed` were sent, `dirty` ones changed since."""

    closed: int = 0
    dirty: tuple[int, ...] = ()

    def touch(self, hours: set[int]) -> Closing:
        """Take note of hours that gained or lost cost; the first ones say where a partition begins."""
        if not hours:
            return self
        closed = self.closed or min(hours)
        late = {hour for hour in hours if closed - MAX_DIRTY * HOUR <= hour < closed}
        if closed == self.closed and late <= set(self.dirty):
            return self
        return Closing(closed, tuple(sorted({*self.dirty, *late})[-MAX_DIRTY:]))


def advance(closing: Closing, until: int) -> Closing:
    """Close the hours before `until`."""
    return Closing(max(until, closing.closed), closing.dirty)


def sent(closing: Closing, hours: set[int]) -> Closing:
    """Strike out hours that were sent again."""
    return Closing(closing.closed, tuple(hour for hour in closing.dirty if hour not in hours))
