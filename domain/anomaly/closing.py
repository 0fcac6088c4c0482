"""What is closed of a partition of cost: the windows that were sent to detection, and which of them have changed since.

When a window is closed is for its sources to say (`domain.anomaly.sources`). An hour that gains or loses cost after it
was closed is `dirty`, and is sent again; so are five minutes, as long as their hour is open.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from domain.anomaly.fast import A_DAY
from domain.anomaly.fast_state import WIDTH
from domain.windows import HOUR

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

# Hours, and five minutes, that are sent again; older ones are nobody's news.
MAX_DIRTY: Final = 72
MAX_DIRTY_FINE: Final = A_DAY


class Closing(msgspec.Struct, frozen=True, array_like=True):
    """How far a partition is: hours before `closed`, five minutes before `fine` were sent; `dirty` ones changed."""

    closed: int = 0
    dirty: tuple[int, ...] = ()
    fine: int = 0
    fine_dirty: tuple[int, ...] = ()

    def touch(self, minutes: Iterable[int], sending: tuple[int, int] = (0, 0)) -> Closing:
        """Take note of minutes that gained or lost cost; the first ones say where a partition begins.

        Hours and five minutes up to `sending` are on their way: what changes meanwhile is late already.
        """
        windows = {minute - minute % WIDTH for minute in minutes}
        if not windows:
            return self
        hours = {window - window % HOUR for window in windows}
        closed = self.closed or min(hours)
        fine = self.fine or closed
        late = {hour for hour in hours if closed - MAX_DIRTY * HOUR <= hour < max(closed, sending[0])}
        fine_late = {window for window in windows if closed <= window < max(fine, sending[1])}
        if closed == self.closed and late <= {*self.dirty} and fine_late <= {*self.fine_dirty}:
            return self
        return Closing(
            closed,
            tuple(sorted({*self.dirty, *late})[-MAX_DIRTY:]),
            fine,
            tuple(sorted({*self.fine_dirty, *fine_late})[-MAX_DIRTY_FINE:]),
        )


def advance(closing: Closing, until: int, fine: int = 0) -> Closing:
    """Close the hours before `until`, and the five minutes before `fine`; those of closed hours are not sent again."""
    closed = max(until, closing.closed)
    left = tuple(window for window in closing.fine_dirty if window >= closed)
    return Closing(closed, closing.dirty, max(closed, fine, closing.fine), left)


def sent(closing: Closing, hours: Collection[int], windows: Collection[int] = ()) -> Closing:
    """Strike out hours, and five minutes, that were sent again."""
    dirty = tuple(hour for hour in closing.dirty if hour not in hours)
    fine_dirty = tuple(window for window in closing.fine_dirty if window not in windows)
    return Closing(closing.closed, dirty, closing.fine, fine_dirty)
