"""The rows of `detectors` as detection reads them, and how far the hours are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from domain.anomaly.hours import decode_part
from domain.windows import DAY, HOUR
from tables import detectors as table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agents.ports import Tenure
    from domain.anomaly.episodes import Episode
    from domain.anomaly.hours import HourLine, HourPart, ScopeKey
    from domain.anomaly.state import SpendState

PARTITION: Final = 0
GAP: Final = 14 * DAY


class StoredStates:
    """Implements `domain.anomaly.detection.States` over the table."""

    def __init__(self, rows: Tenure) -> None:
        self._rows = rows

    def get(self, key: ScopeKey) -> SpendState | None:
        """Return the models of a scope and driver."""
        row = self._rows.get(table.state_key(key))
        return None if row is None else table.decode_state(row)

    def known(self) -> Iterator[ScopeKey]:
        """Return every scope and driver, in key order."""
        for key, _ in self._rows.scan(table.STATES):
            yield table.split_state_key(key)


class Progressing:
    """How far each of the `partitions` of cost is."""

    def __init__(self, partitions: int, rows: Tenure | None = None) -> None:
        self._partitions = partitions
        stored = [] if rows is None else [(key, table.decode_progress(row)) for key, row in rows.scan(table.PROGRESS)]
        self._closed = {table.partition_of(key): (row.closed, row.fine) for key, row in stored}

    def hear(self, partition: int, closed: int, fine: int = 0) -> None:
        """Take note of how far a partition is."""
        known = self._closed.get(partition, (0, 0))
        self._closed[partition] = max(closed, known[0]), max(fine, known[1])

    def complete(self, hour: int) -> bool:
        """Tell whether an hour can be judged: every partition has closed it."""
        return len(self._closed) >= self._partitions and all(closed > hour for closed, _ in self._closed.values())

    def complete_fine(self, window: int) -> bool:
        """Tell whether five minutes can be judged."""
        return len(self._closed) >= self._partitions and all(max(each) > window for each in self._closed.values())


def lines_of(rows: Tenure, start: int, kind: bytes = table.HOURS) -> list[HourLine]:
    """Return what is known of a window."""
    return [line for _, row in rows.scan(table.window_prefix(kind, start)) for line in decode_part(row).lines]


def lines_between(rows: Tenure, start: int, end: int) -> list[HourLine]:
    """Return what is known of all five minutes from `start` to `end`."""
    found = []
    for key, row in rows.scan(table.WINDOWS, table.window_prefix(table.WINDOWS, start)):
        if table.start_of(key) >= end:
            break
        found += decode_part(row).lines
    return found


def episodes_of(rows: Tenure) -> dict[str, Episode]:
    """Return all anomalies that are kept."""
    found = (table.decode_episode(row) for _, row in rows.scan(table.EPISODES))
    return {episode.id: episode for episode in found}


def first_hour(rows: Tenure, after: int) -> int | None:
    """Return the first stored hour from `after` on."""
    key, _ = next(iter(rows.scan(table.HOURS, table.window_prefix(table.HOURS, after))), (None, b""))
    return None if key is None else table.start_of(key)


def next_hour(rows: Tenure, mark: table.Mark | None) -> int | None:
    """Return the hour to judge next; a gap of weeks is jumped over."""
    if mark is None:
        return first_hour(rows, 0)
    following = mark.hour + HOUR
    if any(True for _ in rows.scan(table.window_prefix(table.HOURS, following))):
        return following
    further = first_hour(rows, following)
    return further if further is not None and further - following > GAP else following


def stale(rows: Tenure, before: int, kind: bytes = table.HOURS) -> Iterator[bytes]:
    """Yield the keys of the parts of windows before one."""
    for key, _ in rows.scan(kind):
        if table.start_of(key) >= before:
            return
        yield key


def leftovers(rows: Tenure, kind: bytes, part: HourPart) -> Iterator[bytes]:
    """Yield the keys of parts that a newer, shorter version of a window does not have."""
    start = table.window_key(kind, part.hour, part.partition, part.parts)
    for key, _ in rows.scan(table.window_prefix(kind, part.hour), start):
        if table.place_of(key)[0] != part.partition:
            return
        yield key
