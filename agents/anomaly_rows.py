"""The rows of `detectors` as detection reads them, and how far the hours are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from domain.anomaly.closing import GRACE, LIVE, PATIENCE
from domain.anomaly.hours import decode_part
from domain.windows import HOUR
from tables import detectors as table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agents.ports import Tenure
    from domain.anomaly.episodes import Episode
    from domain.anomaly.hours import HourLine, ScopeKey
    from domain.anomaly.state import SpendState

PARTITION: Final = 0
# History that is played: a partition of cost that says nothing for so long is not waited for (seconds).
SILENT: Final = 20.0
# History is judged once every partition was heard of, or after so long (seconds).
FIRST: Final = 60.0
_MARGIN: Final = 5 * 60


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
    """How far each partition of cost is, and since when it was not heard of (seconds of a clock)."""

    def __init__(self, partitions: int, rows: Tenure | None = None) -> None:
        self._partitions = partitions
        stored = () if rows is None else rows.scan(table.PROGRESS)
        self.closed = {table.partition_of(key): table.decode_progress(row).closed for key, row in stored}
        self._heard: dict[int, float] = {}
        self._since: float | None = None

    def hear(self, partition: int, closed: int, now: float) -> None:
        """Take note of how far a partition is."""
        self.closed[partition] = max(closed, self.closed.get(partition, 0))
        self._heard[partition] = now
        if self._since is None:
            self._since = now

    def complete(self, hour: int, now: float) -> bool:
        """Tell whether an hour can be judged: every partition has closed it, or is not waited for any longer."""
        if not any(closed > hour for closed in self.closed.values()):
            return False
        if self._since is None:
            self._since = now
        if now - (hour + HOUR) > LIVE and len(self.closed) < self._partitions and now - self._since < FIRST:
            return False
        return all(closed > hour or self._is_given_up(each, hour, now) for each, closed in self.closed.items())

    def _is_given_up(self, partition: int, hour: int, now: float) -> bool:
        age = now - (hour + HOUR)
        if age <= LIVE:
            # A partition that never had any cost is not waited for.
            return not self.closed[partition] or age > GRACE + PATIENCE + _MARGIN
        return now - self._heard.setdefault(partition, now) > SILENT


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
