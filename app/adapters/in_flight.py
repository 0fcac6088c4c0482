"""What has been fetched and not yet committed, and whether anything is missing between two fetches.

The consumer stands at an offset when it fetches. So it is known of each batch what lies before its first record:
nothing, back to where the consumer stood (compaction and transaction markers leave such gaps). Faust may drop a batch
on its way here; then the next one stands further on than what is expected, and is not taken.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from agents.batch import Batch


class Fetched(NamedTuple):
    """One fetch from one partition: where the consumer stood before and after it, and whether it brought records."""

    start: int
    end: int
    brought: bool


class Unbroken:
    """Checks that batches of one partition continue each other; `position` is where the next one is expected."""

    def __init__(self, position: int) -> None:
        self.position = position

    def receive(self, batch: Batch, start: int) -> int | None:
        """Take a batch, fetched when the consumer stood at `start`.

        Return None, or the offset from which to fetch again because records are missing.
        """
        if min(start, batch.first_offset) > self.position:
            return self.position
        batch.follows = min(start, batch.first_offset)
        self.position = batch.last_offset + 1
        return None

    def pass_over(self, fetched: Fetched) -> None:
        """Hear of a fetch that brought nothing: there is nothing between its ends."""
        if fetched.start <= self.position:
            self.position = max(self.position, fetched.end)

    def missing(self, standing: int) -> int | None:
        """Return the offset from which to fetch again when the consumer, once idle, stands further on than expected."""
        return self.position if standing > self.position else None


class InFlight:
    """The batches of one partition that are fetched and not yet committed, oldest first, without a hole."""

    def __init__(self, position: int) -> None:
        self._batches: deque[Batch] = deque()
        self._unbroken = Unbroken(position)
        self._closed = False

    def receive(self, batch: Batch, start: int) -> int | None:
        """Take a batch, or return the offset from which to fetch again (`Unbroken.receive`).

        A batch that starts again below earlier ones takes their place.
        """
        if self._closed:
            batch.stale = True
            return None
        missing = self._unbroken.receive(batch, start)
        if missing is None:
            while self._batches and self._batches[-1].last_offset >= batch.first_offset:
                self._batches.pop().stale = True
            self._batches.append(batch)
        return missing

    def pass_over(self, fetched: Fetched) -> None:
        """Hear of a fetch that brought nothing."""
        self._unbroken.pass_over(fetched)

    def missing(self, standing: int) -> int | None:
        """Return None, or the offset from which to fetch again (`Unbroken.missing`)."""
        return None if self._closed else self._unbroken.missing(standing)

    def close(self) -> None:
        """Let no agent begin with a batch that was fetched so far, or with one that still comes."""
        self._closed = True
        for batch in self._batches:
            batch.stale = True

    def take_done(self) -> int | None:
        """Remove the batches that are done, up to the first that is not; return the offset to commit."""
        position = None
        while self._batches and self._batches[0].done:
            position = self._batches.popleft().last_offset + 1
        return position
