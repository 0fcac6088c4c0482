"""The rows of `detectors` as detection reads them, and how far the hours are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from domain.anomaly.hours import decode_part
from tables import detectors as table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agents.ports import Tenure
    from domain.anomaly.episodes import Episode
    from domain.anomaly.hours import HourLine, ScopeKey
    from domain.anomaly.state import SpendState

PARTITION: Final = 0


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
        stored = () if rows is None else rows.scan(table.PROGRESS)
        self._closed = {table.partition_of(key): table.decode_progress(row).closed for key, row in stored}

    def hear(self, partition: int, closed: int) -> None:
        """Take note of how far a partition is."""
        self._closed[partition] = max(closed, self._closed.get(partition, 0))

    def complete(self, hour: int) -> bool:
        """Tell whether an hour can be judged: every partition has closed it."""
        return len(self._closed) >= self._partitions and all(closed > hour for closed in self._closed.values())


def lines_of(rows: Tenure, hour: int) -> list[HourLine]:
    """Return what is known of an hour."""
    return [line for _, row in rows.scan(table.hour_prefix(hour)) for line in decode_part(row).lines]


def episodes_of(rows: Tenure) -> dict[str, Episode]:
    """Return all anomalies that are kept."""
    found = (table.decode_episode(row) for _, row in rows.scan(table.EPISODES))
    return {episode.id: episode for episode in found}


def first_hour(rows: Tenure, after: int) -> int | None:
    """Return the first stored hour from `after` on."""
    key, _ = next(iter(rows.scan(table.HOURS, table.hour_prefix(after))), (None, b""))
    return None if key is None else table.hour_of(key)


def stale(rows: Tenure, before: int) -> Iterator[bytes]:
    """Yield the keys of the parts of hours before one."""
    for key, _ in rows.scan(table.HOURS):
        if table.hour_of(key) >= before:
            return
        yield key


def leftovers(rows: Tenure, hour: int, partition: int, parts: int) -> Iterator[bytes]:
    """Yield the keys of parts that a newer, shorter version of an hour does not have."""
    start = table.hour_key(hour, partition, parts)
    for key, _ in rows.scan(table.hour_prefix(hour), start):
        if table.place_of(key)[0] != partition:
            return
        yield key
