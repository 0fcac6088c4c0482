"""What has been fetched and not yet committed, and whether anything is missing between two fetches.

It is known of each batch where the consumer stood when it was fetched (`app.adapters.fetches`): between there and its
first record there is nothing. Faust may drop a batch on its way here; then the next one follows something further on
than what is expected, and is not taken.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agents.batch import Batch
    from app.adapters.fetches import Void


class Unbroken:
    """Checks that batches of one partition continue each other; `position` is where the next one is expected."""

    def __init__(self, position: int) -> None:
        self.restart(position)

    def restart(self, position: int) -> None:
        """Expect the next batch at another position."""
        self.position = position
        self._received = position

    def receive(self, batch: Batch) -> int | None:
        """Take a batch; return None, or the offset from which to fetch again because records are missing."""
        if batch.follows > self.position:
            return self.position
        # A void that was passed since the last batch belongs to this one.
        batch.follows = min(batch.follows, self._received)
        self.position = self._received = batch.end
        return None

    def missing(self, standing: int, void: Void | None = None) -> int | None:
        """Hear where the consumer stands once all that it fetched was handed over, and the last void it passed.

        Return None, or the offset from which to fetch again because records were dropped on their way here.
        """
        if void is not None and void.start <= self.position:
            self.position = max(self.position, void.end)
        return self.position if standing > self.position else None


class InFlight:
    """The batches of one partition that are fetched and not yet committed, oldest first, without a hole."""

    def __init__(self, position: int) -> None:
        self._batches: deque[Batch] = deque()
        self._unbroken = Unbroken(position)
        self._closed = False

    def receive(self, batch: Batch) -> int | None:
        """Take a batch, or return the offset from which to fetch again (`Unbroken.receive`).

        A batch that starts again below earlier ones takes their place.
        """
        if self._closed:
            batch.stale = True
            return None
        missing = self._unbroken.receive(batch)
        if missing is None:
            while self._batches and self._batches[-1].last_offset >= batch.first_offset:
                self._batches.pop().stale = True
            self._batches.append(batch)
        return missing

    def missing(self, standing: int, void: Void | None = None) -> int | None:
        """Return None, or the offset from which to fetch again (`Unbroken.missing`)."""
        return None if self._closed else self._unbroken.missing(standing, void)

    def is_done(self, standing: int) -> bool:
        """Tell whether all that lies before where the consumer stands was handed over here, and is done."""
        return not self._closed and self._unbroken.position >= standing and all(batch.done for batch in self._batches)

    def acknowledged(self, offsets: set[int]) -> None:
        """Hear which batches, by their last offset, Faust's streams have acknowledged.

        One that no agent has taken was skipped: it is missing, and what came after it is to come again.
        """
        for batch in self._batches:
            if not batch.taken and batch.last_offset in offsets:
                self._drop_from(batch)
                return

    def _drop_from(self, batch: Batch) -> None:
        while self._batches[-1] is not batch:
            self._batches.pop().stale = True
        self._batches.pop().stale = True
        self._unbroken.restart(batch.first_offset)

    def close(self) -> None:
        """Let no agent begin with a batch that was fetched so far, or with one that still comes."""
        self._closed = True
        for batch in self._batches:
            batch.stale = True

    def take_done(self) -> int | None:
        """Remove the batches that are done, up to the first that is not; return the offset to commit."""
        position = None
        while self._batches and self._batches[0].done:
            position = self._batches.popleft().end
        return position
