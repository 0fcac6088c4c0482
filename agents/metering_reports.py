"""What source partitions tell the owners of cost about how far they are: `domain.anomaly.sources` closes hours by it.

A report goes to every partition of `cost-totals`, behind the totals that it speaks of; when something has changed that
closes hours, and now and then, so that an owner that has just begun knows, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from domain import totals
from domain.anomaly.sources import CALM, STILL
from domain.sources import METERED

if TYPE_CHECKING:
    from agents.ports import Clock, Ends, Publisher
    from domain.anomaly.sources import Report

EVERY: Final = 10


class Reports:
    """Sends the reports of the source partitions of this worker; `ends` tells when one was seen at its end."""

    def __init__(self, publisher: Publisher, topic: str, owners: int, ends: Ends, clock: Clock) -> None:
        self._publisher = publisher
        self._topic = topic
        self._owners = owners
        self._ends = ends
        self._clock = clock
        self._moved: dict[int, tuple[int, int]] = {}
        self._sent: dict[int, tuple[int, ...]] = {}

    def ended(self, partition: int) -> int:
        """Return when a partition was seen at its end, with nothing under way (epoch seconds); 0 when it is not."""
        return int(self._ends(partition) or 0)

    async def send(self, partition: int, report: Report) -> None:
        """Send how far a partition is, unless it is known; how long it has been still is found out here."""
        offset, since = self._moved.get(partition, (-2, 0))
        if report.offset != offset or not report.ended:
            since = int(self._clock()) + 1
            self._moved[partition] = report.offset, since
        still = max(0, report.ended - since)
        known = (report.passed, bool(report.ended), still >= CALM, still >= STILL, int(self._clock()) // EVERY)
        # Those that have just become still close hours together, and are not to wait for each other's turns.
        if known == self._sent.get(partition) and not 0 < still < STILL:
            return
        message = totals.report(METERED, partition, report._replace(still=still))
        await self._publisher.send_many(self._topic, [(None, message, owner) for owner in range(self._owners)])
        self._sent[partition] = known
