"""What aiokafka's consumer fetched, with where it stood: so that it can be told what is missing from what never was.

`install` replaces the class that hands fetched records over. Where the consumer stands is known there and nowhere else:
a fetch that somebody gave up on goes on in the consumer's thread, takes records, and moves the consumer on.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from aiokafka.consumer import fetcher


class Fetch(list[Any]):
    """The records of one fetch from one partition, which are all that lies between `start` and `end`.

    A fetch may end behind its last record: compaction takes records from the end of Kafka's batches, too.
    """

    start: int
    end: int


class Void(NamedTuple):
    """Offsets that hold no record: compaction, or markers of transactions."""

    start: int
    end: int


class StartedResult(fetcher.FetchResult):
    """Says of what it hands over where the consumer stood before, and where it stands now."""

    def getall(self, max_records: int | None = None) -> list[Any]:
        """Return the records as a `Fetch`; when there are none, note the void that was passed."""
        unread = self._partition_records
        start = None if unread is None else unread.next_fetch_offset
        found: list[Any] = super().getall(max_records)  # type: ignore[no-untyped-call]
        if start is None:
            return found
        if not found:
            self._note(start, unread.next_fetch_offset)
            return found
        fetch = Fetch(found)
        fetch.start = start
        fetch.end = unread.next_fetch_offset
        return fetch

    def _note(self, start: int, end: int) -> None:
        state: Any = self._assignment.state_value(self._topic_partition)
        if state is not None and end > start:
            before = void_of(state)
            state.void = Void(before.start if before is not None and before.end == start else start, end)


def void_of(state: Any) -> Void | None:
    """Return the last void that was passed in a partition, by its state in the consumer's assignment."""
    void: Void | None = getattr(state, "void", None)
    return void


def install() -> None:
    """Let every consumer of this process hand over what it fetched as `Fetch`."""
    fetcher.FetchResult = StartedResult  # type: ignore[misc]
