"""Five minutes of busy scopes: told within half an hour of event time, once, whatever crashes or comes late."""

from __future__ import annotations

import asyncio
import copy
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from domain.anomaly.calendar import AnomalySettings
from domain.anomaly.episodes import CLOSED, DETECTED
from domain.windows import DAY, HOUR, parse_instant
from tests.agents.fakes import CrashError
from tests.agents.minutes import FIVE, Busy
from tests.agents.test_anomaly import START, shown

if TYPE_CHECKING:
    from tests.agents.minutes import Shape

HALF_AN_HOUR = 1800
TAUGHT = START + 15 * DAY + 13 * HOUR
WRONG = TAUGHT + 10 * 60


@pytest.fixture(scope="module")
def _taught() -> Busy:
    busy = Busy()
    asyncio.run(busy.play(START, TAUGHT))
    return busy


@pytest.fixture
def taught(_taught: Busy) -> Busy:
    return copy.deepcopy(_taught)


def at_search(factor: float, *, start: int = WRONG, end: int = 2**40) -> Shape:
    return lambda feature, at: factor if feature == "search" and start <= at < end else 1.0


async def told(busy: Busy, **shape: Any) -> tuple[Any, int]:
    """Play until something is told; return it, and how far the data was then."""
    for at in range(TAUGHT, TAUGHT + 3 * HOUR, FIVE):
        await busy.play(at, at + FIVE, detect=True, **shape)
        if found := busy.events(DETECTED):
            return found[0]["data"], busy.newest + 60 + 300
    raise AssertionError("nothing was told")


async def test_two_ordinary_weeks_of_five_minutes_are_silent(taught: Busy) -> None:
    assert taught.ids() == []
    assert taught.detecting._windows is not None
    assert len(taught.detecting._windows.choice.keys) == 11


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        ({"volume": at_search(4.0)}, "spike"),
        ({"volume": at_search(2.0)}, "spike"),
        ({"volume": at_search(0.0)}, "stopped"),
        ({"price": at_search(1.12)}, "unit-cost"),
        ({"volume": at_search(0.4)}, "drop"),
    ],
)
async def test_it_is_told_within_half_an_hour_once_and_under_one_id(
    taught: Busy, shape: dict[str, Any], kind: str
) -> None:
    data, at = await told(taught, **shape)
    assert at - WRONG <= HALF_AN_HOUR
    assert (data["kind"], data["scope"]["feature"]) == (kind, "search")
    assert abs(parse_instant(data["since"]).timestamp() - WRONG) <= 2 * FIVE
    terms = sum((Decimal(term) for term in data["decomposition"].values()), Decimal(0))
    assert terms == Decimal(data["actual"]) - Decimal(data["expected"]) == Decimal(data["difference"])
    await taught.play(at - 6 * 60 + 60, TAUGHT + 9 * HOUR, **shape)
    assert set(taught.ids()) == {data["anomaly_id"]}
    (document,) = shown(taught)
    assert document["anomaly_id"] == data["anomaly_id"]
    assert len(document["series"]) == 48


async def test_a_rise_of_volume_at_flat_price_is_no_unit_cost_alarm(taught: Busy) -> None:
    await taught.play(TAUGHT, TAUGHT + 9 * HOUR, volume=at_search(2.0), detect=False)
    assert {each["kind"] for each in shown(taught)} <= {"spike", "level-shift"}


async def test_a_model_that_is_used_more_is_named_by_five_minutes_and_by_the_hour(taught: Busy) -> None:
    """The large model's calls come on top of the others."""
    shape: dict[str, Any] = {"volume": at_search(3.0), "model": lambda _, at: 0.8333 if at >= WRONG else 0.5}
    data, at = await told(taught, **shape)
    first = named(data["contributors"])
    assert Decimal(first["model", "large"]) > 5 * Decimal(first.get(("model", "small"), "0"))
    await taught.play(at - 5 * 60, TAUGHT + 4 * HOUR, **shape)
    (document,) = shown(taught)
    assert document["window"]["end"] == "2026-09-15T15:00:00Z"
    assert next(value for name, value in named(document["contributors"]) if name == "model") == "large"


def named(contributors: list[dict[str, str]]) -> dict[tuple[str, str], str]:
    return {(each["dimension"], each["value"]): each["difference"] for each in contributors}


async def test_late_events_of_five_minutes_end_an_alarm_that_they_explain(taught: Busy) -> None:
    gone = at_search(0.0, start=WRONG, end=WRONG + 3 * FIVE)
    await taught.play(TAUGHT, WRONG + 3 * FIVE, detect=True, volume=gone)
    assert len(taught.ids()) == 1
    await taught.play(WRONG, WRONG + 3 * FIVE)
    await taught.play(WRONG + 3 * FIVE, TAUGHT + 3 * HOUR)
    assert len(taught.ids()) == 1
    assert [each["data"]["closed"]["reason"] for each in taught.events(CLOSED)] == ["corrected"]


@pytest.mark.parametrize("commits", range(3))
async def test_a_crash_between_five_minutes_repeats_the_same_ids_and_no_others(taught: Busy, commits: int) -> None:
    shape = {"volume": at_search(4.0)}
    for at in range(TAUGHT, TAUGHT + 2 * HOUR, FIVE):
        before = taught.read
        if at >= WRONG:
            taught.detectors.failures = [*[None] * commits, CrashError()]
        try:
            await taught.play(at, at + FIVE, detect=True, **shape)
        except CrashError:
            taught.detectors.failures = []
            taught.detectors.assign(0)
            taught.costs.assign(0)
            taught.start()
            await taught.take(before)
        taught.detectors.failures = []
    assert len(set(taught.ids())) == 1


async def test_without_fast_scopes_five_minutes_are_not_even_sent() -> None:
    busy = Busy(AnomalySettings(fast=0))
    busy.sweep._fine = False
    await busy.play(START, START + 3 * HOUR)
    assert all(b"openai" not in (value or b"") for _, value, _ in busy.publisher.sent["hours"])
