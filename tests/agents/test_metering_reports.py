"""What source partitions say of how far they are: to every owner, behind what they speak of, and not all the time."""

from __future__ import annotations

from agents.metering_reports import EVERY, Reports
from domain.anomaly.sources import CALM, STILL, Report
from domain.totals import decode_packet, reported
from tests.agents.fakes import MemoryPublisher, batch
from tests.agents.house import House, usage

NOW = 1_788_134_400
OWNERS = 3


class World:
    """One source partition, its reports, and a clock."""

    def __init__(self) -> None:
        self.publisher, self.now, self.end = MemoryPublisher(), NOW, True
        self.reports = Reports(self.publisher, "totals", OWNERS, lambda _: self.now, lambda: float(self.now))

    async def tell(self, offset: int, after: int = 2) -> list[Report]:
        """Report after some seconds; return what was sent."""
        self.now += after
        before = len(self.publisher.sent["totals"])
        await self.reports.send(0, Report(offset, NOW, NOW, self.reports.ended(0) if self.end else 0))
        sent = self.publisher.sent["totals"][before:]
        assert [owner for _, _, owner in sent] in ([], list(range(OWNERS)))
        return [reported(decode_packet(value or b"")) for _, value, _ in sent[:1]]


async def test_one_is_still_for_as_long_as_nothing_came_while_it_was_at_its_end() -> None:
    world = World()
    await world.tell(5)
    (report,) = await world.tell(5, after=STILL + 1)
    assert report.still == STILL
    (report,) = await world.tell(6, after=STILL)
    assert report.still == 0
    world.end = False
    await world.tell(6, after=STILL)
    world.end = True
    (report,) = await world.tell(6, after=CALM)
    assert report.still < CALM + 2


async def test_what_is_known_is_told_again_only_now_and_then() -> None:
    world = World()
    await world.tell(5)
    await world.tell(5, after=10 * STILL)
    told = [report for _ in range(3 * EVERY) for report in await world.tell(5, after=1)]
    assert len(told) == 3


async def test_the_meter_reports_what_it_has_sent_and_after_a_restart_once_all_is_done() -> None:
    house = House()
    at_end = [False]
    house.metering._reports._ends = lambda _: 1_793_500_000.0 if at_end[0] else None
    await house.metering.report()
    assert house.publisher.sent["totals"] == [], "nothing is known of a partition that is being read"
    await house.metering.handle(batch("usage", [usage(1), usage(2, minute=7)]))
    await house.metering.report()
    packet = decode_packet(house.publisher.sent["totals"][-1][1] or b"")
    assert (packet.totals, packet.ended) == ([], 0)
    assert packet.watermark == packet.newest > 0
    house.start()
    house.metering._reports._ends = lambda _: 1_793_500_000.0 if at_end[0] else None
    sent = len(house.publisher.sent["totals"])
    await house.metering.report()
    assert len(house.publisher.sent["totals"]) == sent
    at_end[0] = True
    await house.metering.report()
    again = decode_packet(house.publisher.sent["totals"][-1][1] or b"")
    assert again.ended
    assert (again.watermark, again.newest, again.offset) == (packet.watermark, packet.newest, packet.offset)
