from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from agents.flags import REPAIR_SECONDS, Flags
from tests.agents.effects_fakes import (
    ACME,
    FakeClock,
    FakePublisher,
    FakeRecord,
    FakeView,
    batch,
)
from tests.agents.memory_table import MemoryTable

NOVEMBER = ("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z")
OCTOBER = ("2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z")
END_OF_NOVEMBER = datetime(2026, 12, 1, tzinfo=UTC).timestamp()
FIELD = "ai-search-tier\x1fb-1"


def status(*crossed: str, period: tuple[str, str] = NOVEMBER, flag: str = "ai-search-tier", **data: Any) -> bytes:
    content = {
        "budget_id": "b-1",
        "budget_version": 1,
        "scope": ACME,
        "period": {"name": "month", "start": period[0], "end": period[1], "timezone": "UTC"},
        "flags": [{"key": flag, "at": "0.85", "variant": "throttled"}],
        "crossed": list(crossed),
        "state": "crossed" if crossed else "ok",
        **data,
    }
    event = {
        "specversion": "1.0",
        "id": "s",
        "source": "/costguard/budgets",
        "type": "costguard.budget.status",
    }
    return orjson.dumps({**event, "time": "2026-11-03T00:00:00Z", "data": content})


class Desk:
    """The flags agent of one process; `restart` makes another over the same table, topics and view."""

    def __init__(self) -> None:
        self.table = MemoryTable()
        self.publisher = FakePublisher()
        self.view = FakeView()
        self.clock = FakeClock()
        self.restart()

    def restart(self) -> None:
        self.flags = Flags(self.table, self.publisher, self.view, "flag-changed", "dead-letter", self.clock)

    async def receive(self, *values: bytes | None, offset: int, key: bytes | None = b"b-1") -> None:
        records = [
            FakeRecord(value, offset + number, topic="budget-status", key=key, timestamp=1_793_664_000_000)
            for number, value in enumerate(values)
        ]
        await self.flags.handle(batch(*records))

    def told(self) -> list[str | None]:
        return [event["data"]["variant"] for event in self.publisher.events("flag-changed")]

    def ids(self) -> list[str]:
        return [event["id"] for event in self.publisher.events("flag-changed")]

    def shown(self) -> dict[str, Any]:
        return self.view.shown.get("flags", {})


async def test_a_crossing_changes_the_flag_and_shows_it() -> None:
    desk = Desk()
    await desk.receive(status(), status("0.7"), status("0.7", "0.85"), offset=1)
    assert desk.told() == ["throttled"]
    assert [key for key, _, _ in desk.publisher.sent["flag-changed"]] == [b"ai-search-tier"]
    assert desk.shown()[FIELD]["variant"] == "throttled"
    assert desk.shown()[FIELD]["until"] == "2026-12-01T00:00:00Z"


async def test_a_flag_is_shown_before_anything_is_crossed() -> None:
    desk = Desk()
    await desk.receive(status(), offset=1)
    assert desk.shown()[FIELD]["variant"] is None
    assert not desk.told()


async def test_a_replay_after_the_commit_tells_nothing_and_repairs_the_view() -> None:
    desk = Desk()
    statuses = (status("0.85"), status(), status("0.85"))
    await desk.receive(*statuses, offset=1)
    desk.restart()
    desk.view.shown.clear()
    await desk.receive(*statuses, offset=1)
    await desk.flags.tick()
    assert desk.told() == ["throttled", None, "throttled"]
    assert len(set(desk.ids())) == 3
    assert desk.shown()[FIELD]["variant"] == "throttled"


async def test_a_crash_between_telling_and_commit_tells_it_again_under_the_same_id() -> None:
    desk = Desk()
    desk.table.failures.append(OSError("kafka is away"))
    with pytest.raises(OSError, match="away"):
        await desk.receive(status("0.85"), offset=1)
    desk.restart()
    await desk.receive(status("0.85"), status(), offset=1)
    first, again, cleared = desk.ids()
    assert first == again != cleared


async def test_a_change_and_its_reverse_in_one_batch_are_both_told() -> None:
    desk = Desk()
    await desk.receive(status("0.85"), status(), offset=1)
    assert desk.told() == ["throttled", None]


async def test_a_lease_is_released_when_its_period_ends_by_the_clock_and_only_once() -> None:
    desk = Desk()
    await desk.receive(status("0.85"), offset=1)
    desk.clock.now = END_OF_NOVEMBER - 1
    await desk.flags.tick()
    assert desk.told() == ["throttled"]
    desk.clock.now = END_OF_NOVEMBER
    for _ in range(2):
        await desk.flags.tick()
        desk.restart()
    assert desk.told() == ["throttled", None]
    assert desk.publisher.events("flag-changed")[1]["time"] == "2026-12-01T00:00:00Z"
    assert desk.publisher.events("flag-changed")[1]["data"]["cause"] == "lease"
    assert desk.shown()[FIELD]["variant"] is None


async def test_a_release_that_could_not_be_committed_is_told_again_under_the_same_id() -> None:
    desk = Desk()
    await desk.receive(status("0.85"), offset=1)
    desk.clock.now = END_OF_NOVEMBER
    desk.table.failures.append(OSError("kafka is away"))
    with pytest.raises(OSError, match="away"):
        await desk.flags.tick()
    desk.restart()
    await desk.flags.tick()
    assert desk.ids()[1] == desk.ids()[2]


async def test_a_flag_found_in_history_stays_until_the_next_period() -> None:
    desk = Desk()
    await desk.receive(status("0.85", period=OCTOBER), offset=1)
    desk.clock.now = END_OF_NOVEMBER * 2
    await desk.flags.tick()
    assert desk.told() == ["throttled"]
    assert desk.shown()[FIELD]["until"] is None
    await desk.receive(status(period=NOVEMBER), offset=2)
    assert desk.told() == ["throttled", None]


async def test_leases_of_partitions_of_others_are_left_alone() -> None:
    desk = Desk()
    await desk.receive(status("0.85"), offset=1)
    desk.clock.now = END_OF_NOVEMBER
    desk.table.assign(1)
    await desk.flags.tick()
    assert desk.told() == ["throttled"]
    desk.table.assign(0, 1)
    await desk.flags.tick()
    assert desk.told() == ["throttled", None]


async def test_a_tombstone_releases_and_hides_the_flags_of_its_budget() -> None:
    desk = Desk()
    await desk.receive(status("0.85"), offset=1)
    await desk.receive(None, offset=2)
    assert desk.told() == ["throttled", None]
    assert FIELD not in desk.shown()
    await desk.receive(None, offset=2)
    await desk.receive(None, offset=3, key=b"b-unknown")
    assert desk.told() == ["throttled", None]


async def test_a_flag_that_its_budget_no_longer_names_is_hidden() -> None:
    desk = Desk()
    await desk.receive(status(), offset=1)
    await desk.receive(status(budget_version=2, flag="other"), offset=2)
    assert list(desk.shown()) == ["other\x1fb-1"]


async def test_foreign_bytes_become_dead_letters_and_hold_up_nothing() -> None:
    desk = Desk()
    await desk.receive(b"\xff", status("0.85"), offset=1)
    await desk.receive(None, offset=3, key=None)
    assert desk.told() == ["throttled"]
    assert [letter["data"]["offset"] for letter in desk.publisher.events("dead-letter")] == [1, 3]


async def test_a_flag_that_a_crash_left_in_the_view_is_hidden_again() -> None:
    desk = Desk()
    await desk.receive(status("0.85"), offset=1)
    left = FIELD, desk.shown()[FIELD]
    await desk.receive(None, offset=2)
    desk.view.shown["flags"] = dict([left, ("of another\x1fb-2", left[1])])
    desk.restart()
    await desk.flags.tick()
    assert list(desk.shown()) == ["of another\x1fb-2"]


async def test_statuses_without_flags_leave_no_rows() -> None:
    desk = Desk()
    await desk.receive(status("0.85", flags=[]), offset=1)
    assert not list(desk.table.scan(0))


async def test_a_status_that_changes_no_flag_writes_nothing() -> None:
    desk = Desk()
    await desk.receive(status("0.85"), offset=1)
    rows = list(desk.table.scan(0))
    await desk.receive(status("0.85"), offset=2)
    assert list(desk.table.scan(0)) == rows


async def test_a_view_that_is_away_holds_up_nothing_and_is_caught_up_with() -> None:
    desk = Desk()
    desk.view.failures += [OSError("redis is away")] * 3
    await desk.receive(status(), offset=1)
    await desk.receive(status("0.85"), offset=2)
    assert desk.told() == ["throttled"]
    await desk.flags.tick()
    assert not desk.shown() or desk.view.failures == []
    await desk.flags.tick()
    assert desk.shown()[FIELD]["variant"] == "throttled"


@pytest.mark.parametrize("why", ["rebalance", "time"])
async def test_a_view_that_lost_its_memory_is_whole_again_after_a_rebalance_or_a_minute(why: str) -> None:
    desk = Desk()
    await desk.receive(status("0.85"), offset=1)
    await desk.flags.tick()
    desk.view.shown.clear()
    await desk.flags.tick()
    assert not desk.shown()
    if why == "rebalance":
        desk.table.assign(0)
    else:
        desk.clock.now += REPAIR_SECONDS
    await desk.flags.tick()
    assert desk.shown()[FIELD]["variant"] == "throttled"
