"""A month of traffic of a dozen tenants, with one thing wrong with each of nine: each is told in time, once, and why.

A worker is killed, both leave and join again: no id changes, and nothing is told twice. Tenants with whom nothing is
wrong are not told of, nor is what goes on around the others.
"""

from __future__ import annotations

import signal
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from bench.injected.traffic import METER, Source, wrongs
from domain.anomaly.fast_state import WIDTH
from domain.windows import DAY, HOUR
from tests.live import usage
from tests.live.waiting import asking, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.injected.traffic import Wrong
    from tests.live.conftest import Launch
    from tests.live.system import System

BEGIN: Final = int(datetime(2026, 8, 31, tzinfo=UTC).timestamp())  # a Monday
WHEN: Final = BEGIN + 30 * DAY + 13 * HOUR + 600  # a Wednesday's early afternoon
LEAK: Final = BEGIN + 15 * DAY
END: Final = WHEN + 11 * HOUR - 600
HALF_AN_HOUR: Final = 1800
DEARER: Final = "network.requests"
PRICE: Final = Decimal("0.01")
CONFIG: Final = "".join(
    f'[[prices]]\nresource_type = "{meter}"\nprice = "{price}"\nunit = "request"\neffective_from = "{since}"\n\n'
    for meter, price, since in (
        (METER, PRICE, "2020-01-01"),
        (DEARER, PRICE, "2020-01-01"),
        (DEARER, PRICE * Decimal("1.2"), datetime.fromtimestamp(WHEN, UTC).isoformat().replace("+00:00", "Z")),
    )
)
CLEAN: Final = 3
# What is wrong with each tenant; nothing is with the last ones.
TENANTS: Final[list[Wrong | None]] = [*wrongs(WHEN, LEAK), *[None] * CLEAN]


def sources() -> list[tuple[Source, Wrong | None]]:
    """Return what each tenant's two features spend: from some ten to some hundreds a day, every five or ten minutes."""
    found: list[tuple[Source, Wrong | None]] = []
    for number, wrong in enumerate(TENANTS):
        dearer = wrong is not None and wrong.name.startswith("price")
        for feature, spacing in (("search", 300), ("chat", 600)):
            meter = DEARER if dearer and feature == "search" else METER
            size = (4.0 + 30.0 * (number % 4)) * (1.0 if feature == "search" else 0.7)
            source = Source(
                f"t{number}", feature, f"{number}{feature}", spacing, HOUR / spacing, size, 0.05, 0.03, meter=meter
            )
            found.append((source, wrong if feature == "search" else None))
    return found


def traffic() -> list[usage.Event]:
    """Return everybody's events, in order; those that have not come by `WHEN` are the last nine hours'."""
    streams = [(source, source.windows(BEGIN, END - END % HOUR + HOUR, wrong)) for source, wrong in sources()]
    return [
        event
        for window in range(BEGIN, END, WIDTH)
        for number, (source, stream) in enumerate(streams)
        for event in events_of(source, window + 11 * number, next(stream))
    ]


def events_of(source: Source, at: int, line: Any) -> Iterator[usage.Event]:
    if line is not None:
        yield usage.event(
            f"{source.tenant}-{source.feature}-{at}",
            at=datetime.fromtimestamp(at, UTC),
            tenant=source.tenant,
            feature=source.feature,
            service=f"{source.feature}-api",
            resource_type=source.meter,
            units=f"{line.units:.6f}",
        )


async def test_each_is_told_in_time_once_and_why_whatever_becomes_of_workers(launch: Launch) -> None:
    system = launch(config=CONFIG, workers=2)
    events = traffic()
    await system.broker.produce(until(events, BEGIN, WHEN))
    await judged_up_to(system, WHEN - HOUR)
    before = found(system)
    assert set(before) == {"weekend drop", "leak of 2 % a day"}

    await system.broker.produce(until(events, WHEN, WHEN + HALF_AN_HOUR))
    seen = await eventually(asking(lambda: found(system)), lambda seen: len(seen) == len(TENANTS) - CLEAN, seconds=120)
    for wrong in TENANTS:
        if wrong is not None:
            assert_told_right(seen[wrong.name], wrong)
    ids = {name: each["anomaly_id"] for name, each in seen.items()}

    system.signal("worker", signal.SIGKILL)
    await system.broker.produce(until(events, WHEN + HALF_AN_HOUR, WHEN + 4 * HOUR))
    await judged_up_to(system, WHEN + 2 * HOUR)
    for number in range(2):
        # The oldest leaves politely, and another one joins in its place: whoever judged does not any more.
        system.signal("worker", signal.SIGTERM)
        start = WHEN + (4 + 2 * number) * HOUR
        await system.broker.produce(until(events, start, start + 2 * HOUR))
        await judged_up_to(system, start)
    await system.broker.produce(until(events, WHEN + 8 * HOUR, END))
    await judged_up_to(system, END - HOUR)
    after = found(system)
    assert {name: each["anomaly_id"] for name, each in after.items()} == ids
    told = [event for event in await system.broker.read("anomaly-detected") if event["type"].endswith(".detected")]
    assert sorted({event["id"] for event in told}) == sorted(ids.values())
    assert after["level x2"]["kind"] == "level-shift"


def assert_told_right(told: dict[str, Any], wrong: Wrong) -> None:
    assert told["kind"] in wrong.kinds, told
    assert (told["scope"]["tenant"], told["scope"]["feature"]) == (f"t{TENANTS.index(wrong)}", "search")
    since = datetime.fromisoformat(told["since"])
    begins = datetime.fromtimestamp(wrong.start, UTC)
    if "leak" not in told["kind"]:
        assert abs(since - begins) <= timedelta(minutes=wrong.minutes), told
    terms = {name: Decimal(term) for name, term in told["decomposition"].items()}
    assert sum(terms.values()) == Decimal(told["actual"]) - Decimal(told["expected"]) == Decimal(told["difference"])
    assert told["suspected_driver"] == ("price" if wrong.name.startswith("price") else "volume")


def until(events: list[usage.Event], start: int, end: int) -> list[usage.Event]:
    first, last = (datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z") for at in (start, end))
    return [event for event in events if first <= event["time"] < last]


async def judged_up_to(system: System, instant: int) -> None:
    text = datetime.fromtimestamp(instant - instant % HOUR, UTC).isoformat().replace("+00:00", "Z")
    await eventually(
        asking(lambda: system.get("/anomalies")["judged_until"] or ""), lambda judged: judged >= text, seconds=400
    )


def found(system: System) -> dict[str, Any]:
    """Return anomalies by what was wrong: each must be a tenant's with whom something is, and the only one of it."""
    by_name: defaultdict[str, list[Any]] = defaultdict(list)
    for each in system.get("/anomalies", {"status": "any"})["anomalies"]:
        tenant = each["scope"].get("tenant")
        wrong = TENANTS[int(tenant[1:])] if tenant else None
        by_name["" if wrong is None else wrong.name].append(each)
    assert all(name and len(told) == 1 for name, told in by_name.items()), dict(by_name)
    return {name: told[0] for name, told in by_name.items()}
