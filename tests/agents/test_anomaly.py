"""From totals to anomalies over fakes: hours are swept, judged, and told once, whatever crashes between."""

from __future__ import annotations

import math
import random
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from agents.anomaly import Detecting
from agents.anomaly_rows import Progressing
from agents.anomaly_told import AnomalyTopics
from agents.closing import Sweep
from agents.rollup import RollingUp, RollupTopics
from domain import totals
from domain.anomaly.bills import BILL
from domain.anomaly.calendar import AnomalySettings, Planned
from domain.anomaly.episodes import CLOSED, DETECTED
from domain.anomaly.sources import STILL, Report
from domain.scope import parse_filter
from domain.totals import Packet, Total, _encode
from domain.windows import DAY, HOUR
from tests.agents.fakes import CrashError, MemoryPublisher, MemoryView, batch
from tests.agents.memory_table import MemoryTable

if TYPE_CHECKING:
    from collections.abc import Callable

START = 1_788_134_400  # 2026-08-31, a Monday
DAYS = 16
WHEN = 15 * 24 + 5
FEATURES = ("search", "chat", "export")


class Clock:
    """As far as the data: live."""

    now = float(START)

    def __call__(self) -> float:
        return self.now


class House:
    """Rollup, sweep and detection over tables and topics that outlive them."""

    def __init__(self, settings: AnomalySettings | None = None) -> None:
        self.costs, self.detectors = MemoryTable(), MemoryTable()
        self.publisher, self.view, self.clock = MemoryPublisher(), MemoryView(), Clock()
        self.settings = settings or AnomalySettings()
        self.sent = self.read = self.newest = 0
        self.start()

    def start(self) -> None:
        self.rolling_up = RollingUp(
            topics=RollupTopics("totals", "attributed", "spend", "dead"), costs=self.costs, publisher=self.publisher,
            view=self.view, currency="USD", sources=1, clock=self.clock,
        )  # fmt: skip
        self.sweep = Sweep(self.publisher, "hours", self.clock)
        self.detecting = Detecting(
            topics=AnomalyTopics("detected", "dead"), detectors=self.detectors, publisher=self.publisher,
            view=self.view, settings=self.settings, currency="USD", partitions=1, clock=self.clock,
        )  # fmt: skip

    async def spend(self, hour: int, amounts: dict[str, tuple[str, str]], version: int = 0) -> None:
        at = START + hour * HOUR
        self.clock.now = max(self.clock.now, at + HOUR)
        self.newest = max(self.newest, at)
        lines = [
            Total(at, "acme", "prod", feature, "api", "core", "compute.requests", "p", "", version or hour + 1, 0, 10,
                  Decimal(units), Decimal(amount))
            for feature, (units, amount) in amounts.items()
        ]  # fmt: skip
        await self.rolling_up.handle(batch("totals", [_encode(Packet("metered", 0, self.sent, at, lines))], self.sent))
        self.sent += 1

    async def detect(self) -> None:
        self.clock.now += 10 * 60
        await self.report(still=STILL)
        await self.rolling_up.sweep(self.sweep)
        await self.take()

    async def report(self, still: int = 0) -> None:
        """Let the source say that it is at its end."""
        report = Report(self.sent, self.newest, self.newest, int(self.clock.now), still)
        await self.rolling_up.handle(batch("totals", [totals.report("metered", 0, report)], self.sent))
        self.sent += 1

    async def take(self, first: int | None = None) -> None:
        values = [value for _, value, _ in self.publisher.sent["hours"]]
        first = self.read if first is None else first
        if first < len(values):
            await self.detecting.handle(batch("hours", values[first:], first))
        self.read = len(values)

    def events(self, kind: str) -> list[Any]:
        told = [orjson.loads(value or b"") for _, value, _ in self.publisher.sent["detected"]]
        return [event for event in told if event["type"] == kind]

    def ids(self, kind: str = DETECTED) -> list[str]:
        return [event["id"] for event in self.events(kind)]


def usual(feature: str, hour: int) -> float:
    rng = random.Random(f"{feature}{hour}")  # noqa: S311 - a series, not a secret
    level = 10 + 10 * FEATURES.index(feature)
    weekend = 0.5 if (hour // 24) % 7 >= 5 else 1.0
    return level * weekend * (1.5 + math.sin(hour / 24 * 2 * math.pi)) * rng.uniform(0.95, 1.05)


def amounts(
    hour: int, volume: Callable[[str, int], float] = lambda *_: 1.0, price: Callable[[str, int], float] = lambda *_: 1.0
) -> dict[str, tuple[str, str]]:
    found = {}
    for feature in FEATURES:
        units = usual(feature, hour) * volume(feature, hour)
        if units:
            found[feature] = f"{units * 100:.4f}", f"{units * price(feature, hour):.6f}"
    return found


async def play(house: House, days: int = DAYS, **shape: Any) -> House:
    for hour in range(days * 24):
        await house.spend(hour, amounts(hour, **shape))
        if hour % 6 == 5 or hour >= WHEN - 1:
            await house.detect()
    return house


def at_search(factor: float, *, hours: int = 10_000) -> Callable[[str, int], float]:
    return lambda feature, hour: factor if feature == "search" and WHEN <= hour < WHEN + hours else 1.0


async def test_ordinary_weeks_are_silent() -> None:
    house = await play(House(), days=21)
    assert house.ids() == []


async def test_a_spike_is_told_once_of_its_scope_with_its_decomposition() -> None:
    house = await play(House(), volume=at_search(4.0, hours=2))
    (event,) = house.events(DETECTED)
    data = event["data"]
    assert data["scope"]["feature"] == "search"
    assert data["direction"] == "above"
    assert data["window"]["start"] == "2026-09-15T05:00:00Z"
    terms = sum((Decimal(term) for term in data["decomposition"].values()), Decimal(0))
    assert terms == Decimal(data["actual"]) - Decimal(data["expected"]) == Decimal(data["difference"])
    assert data["suspected_driver"] == "volume"
    assert "all" in data["also"]
    (closed,) = house.events(CLOSED)
    assert closed["data"]["anomaly_id"] == event["id"]
    assert closed["data"]["closed"]["reason"] == "back-to-normal"


async def test_a_price_rise_at_flat_volume_is_told_as_unit_cost() -> None:
    house = await play(House(), price=at_search(1.15))
    (event,) = house.events(DETECTED)
    assert (event["data"]["kind"], event["data"]["suspected_driver"]) == ("unit-cost", "price")


async def test_a_volume_rise_at_flat_price_is_no_unit_cost_alarm() -> None:
    house = await play(House(), volume=at_search(2.0))
    assert [event["data"]["kind"] for event in house.events(DETECTED)] == ["spike"]
    assert {document["kind"] for document in shown(house)} == {"level-shift"}


async def test_a_scope_that_stops_is_told_though_others_go_on() -> None:
    house = await play(House(), volume=at_search(0.0))
    (event,) = house.events(DETECTED)
    assert (event["data"]["kind"], event["data"]["scope"]["feature"]) == ("stopped", "search")


async def test_late_data_ends_an_alarm_that_it_explains() -> None:
    house = await play(House(), days=15)
    for hour in range(15 * 24, WHEN + 2):
        lines = amounts(hour)
        if hour == WHEN:
            del lines["search"]
        await house.spend(hour, lines)
        await house.detect()
    assert len(house.ids()) == 1
    await house.spend(WHEN, {"search": amounts(WHEN)["search"]}, version=10_000)
    await house.detect()
    assert [event["data"]["closed"]["reason"] for event in house.events(CLOSED)] == ["corrected"]
    assert len(house.ids()) == 1


async def test_late_data_of_an_hour_that_was_too_early_to_judge_tells_nothing() -> None:
    house, hour, days = House(), 30, 3
    for at in range(days * 24):
        few = {feature: (units, f"{float(amount) * 0.2:.6f}") for feature, (units, amount) in amounts(at).items()}
        await house.spend(at, few if at == hour else amounts(at))
        await house.detect()
    late = {feature: (units, f"{float(amount) * 0.3:.6f}") for feature, (units, amount) in amounts(hour).items()}
    await house.spend(hour, late, version=10_000)
    await house.detect()
    assert house.ids() == []


async def test_an_hour_that_is_not_over_is_not_judged() -> None:
    house = await play(House(), days=15)
    await house.spend(15 * 24, {"search": ("10", "0.10")})
    house.clock.now = START + 15 * DAY + 30 * 60
    await house.rolling_up.sweep(house.sweep)
    await house.take()
    assert house.ids() == []


@pytest.mark.parametrize("commits", range(4))
async def test_a_crash_at_any_write_repeats_the_same_ids_and_no_others(commits: int) -> None:
    house = await play(House(), days=15)
    for hour in range(15 * 24, WHEN + 8):
        await house.spend(hour, amounts(hour, volume=at_search(4.0, hours=2)))
        await house.rolling_up.sweep(house.sweep)
        house.clock.now += 10 * 60
        before = house.read
        if hour >= WHEN:
            house.detectors.failures = [*[None] * commits, CrashError()]
        try:
            await house.detect()
        except CrashError:
            house.detectors.assign(0)
            house.start()
            await house.take(before)
        house.detectors.failures = []
    assert len(set(house.ids())) == 1
    assert len(set(house.ids(CLOSED))) == 1


async def test_feedback_no_ends_the_alarm_and_raises_the_threshold() -> None:
    house = await play(House(), volume=at_search(2.0))
    (identifier,) = house.ids()
    command = orjson.dumps({"feedback": identifier, "verdict": "no"})
    await house.publisher.send_many("hours", [(None, command, 0)])
    await house.take()
    (closed,) = house.events(CLOSED)
    assert (closed["data"]["closed"]["reason"], closed["data"]["feedback"]) == ("dismissed", "no")


@pytest.mark.parametrize("value", [b"", b"\xff\xff", b"\x93\x01", BILL, BILL + b"\xff", BILL + b"\x80"])
async def test_what_others_write_between_closed_hours_is_a_dead_letter_and_stops_nobody(value: bytes) -> None:
    house = House()
    await house.spend(0, {"search": ("10", "5")})
    house.publisher.sent["hours"].append((None, value, 0))
    await house.detect()
    (letter,) = [orjson.loads(value or b"")["data"] for _, value, _ in house.publisher.sent["dead"]]
    assert (letter["topic"], letter["offset"]) == ("hours", 0)
    assert house.detectors.rows[0], "what came behind it was taken in"


async def test_feedback_that_cannot_be_read_is_a_dead_letter() -> None:
    house = House()
    await house.publisher.send_many("hours", [(None, b'{"feedback": "a-1", "verdict": "maybe"}', 0)])
    await house.take()
    assert len(house.publisher.sent["dead"]) == 1


async def test_a_planned_event_is_nobodys_alarm() -> None:
    planned = Planned(parse_filter("tenant=acme"), START + WHEN * HOUR, START + (WHEN + 3) * HOUR, "launch")
    wide = Planned(parse_filter("all"), START + WHEN * HOUR, START + (WHEN + 3) * HOUR, "launch")
    house = await play(House(AnomalySettings(planned=(planned, wide))), volume=at_search(4.0, hours=2))
    assert house.ids() == []


async def test_what_is_shown_has_the_hours_before_it() -> None:
    house = await play(House(), volume=at_search(4.0, hours=2))
    (document,) = shown(house)
    assert len(document["series"]) == 48
    assert {"start", "actual", "expected", "lower", "upper"} == set(document["series"][0])


def shown(house: House) -> list[Any]:
    return [orjson.loads(doc) for (kind, _), doc in house.view.documents.items() if kind == "anomalies" and doc]


def test_an_hour_is_judged_once_every_partition_of_cost_has_closed_it() -> None:
    progress = Progressing(2)
    progress.hear(0, START + DAY)
    assert not progress.complete(START)
    progress.hear(1, START)
    assert not progress.complete(START)
    progress.hear(1, START + HOUR)
    assert progress.complete(START)
    assert not progress.complete(START + HOUR)
