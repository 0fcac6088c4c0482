"""Meter and rollup together, over crashes at every write and send: the money is what the events say."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
import orjson
import pytest

from domain import totals
from domain.totals import Total
from tables import meter as meter_table
from tables import tenure
from tables.tenure import PartitionLostError
from tests.agents.fakes import CrashError, batch
from tests.agents.house import House, usage

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from tests.agents.memory_table import MemoryTable

NOW = 1_793_491_200  # 2026-11-01T00:00:00Z
FREE = Total(NOW, "t", "e", "f", "s", "o", "compute.requests", "p", "", 0, 0, 1, Decimal(1), Decimal(0))
LIVE = totals.pack("metered", 1, 0, NOW, [FREE], 1)


@pytest.fixture
def house() -> House:
    return House()


async def test_events_become_cost_in_every_projection(house: House) -> None:
    await house.meter([usage(1), usage(2, "globex"), usage(1)])
    await house.roll_up()
    assert {house.total(name) for name in ("all", "tenant", "feature", "full", "tenant+feature")} == {Decimal(1)}


async def test_rejected_records_go_to_dead_letter_with_reason_and_place(house: House) -> None:
    await house.meter([b"{", None, usage(1)], first=7)
    letters = [orjson.loads(value or b"")["data"] for _, value, _ in house.publisher.sent["dead"]]
    assert [(letter["topic"], letter["offset"]) for letter in letters] == [("usage", 7), ("usage", 8)]
    assert all(letter["reason"] for letter in letters)


@pytest.mark.parametrize(
    "value",
    [
        b"", b"\xff\xff", b"{}", b"{", b"[" * 5_000,
        b'{"budget_id": "b", "version": 1, "scope": [["tenant"]], "period": "month", "timezone": "UTC"}',
        totals.pack("metered", 1, 0, NOW, [FREE], 1)[0][1][:-3],
        totals.pack("metered", 1, 0, NOW, [msgspec.structs.replace(FREE, minute=-60)], 1)[0][1],
    ],
)  # fmt: skip
async def test_what_others_write_between_totals_is_a_dead_letter_and_stops_nobody(house: House, value: bytes) -> None:
    await house.meter([usage(1), usage(2)])
    house.publisher.sent["totals"].insert(0, (None, value, 0))
    await house.roll_up()
    (letter,) = [orjson.loads(value or b"")["data"] for _, value, _ in house.publisher.sent["dead"]]
    assert (letter["topic"], letter["offset"]) == ("totals", 0)
    assert house.total() == Decimal(1)


@pytest.mark.parametrize("where", ["cells", "ids", "send"])
@pytest.mark.parametrize("after", [0, 1, 2])
async def test_a_crash_of_the_meter_anywhere_changes_nothing(house: House, where: str, after: int) -> None:
    batches = [[usage(n) for n in range(at, at + 4)] for at in (0, 4, 8)]
    for number, values in enumerate(batches):
        if number == after:
            arm(house, where)
            with pytest.raises(CrashError):
                await house.meter([*values], first=number * 4)
            house.start()
        await house.meter([*values], first=number * 4)
    await house.roll_up()
    assert house.total() == Decimal("0.25") * 2 * 12


async def test_a_crash_between_two_parts_of_one_write_changes_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tenure.chunks, "__defaults__", (100,))
    values = [usage(n, tenant=f"t{n % 5}") for n in range(10)]
    house.cells.failures = [None, None, CrashError()]
    with pytest.raises(CrashError):
        await house.meter([*values])
    assert len(house.cells.rows[0]) > 1
    house.start()
    await house.meter([*values, usage(99)])
    await house.roll_up()
    assert house.total() == Decimal("0.25") * 2 * 11


def arm(house: House, where: str) -> None:
    if where == "send":
        house.publisher.fails = True
    else:
        (house.cells if where == "cells" else house.ids).failures.append(CrashError())


@pytest.mark.parametrize("where", ["costs", "send"])
async def test_a_crash_of_the_rollup_anywhere_changes_nothing(house: House, where: str) -> None:
    await house.meter([usage(n) for n in range(6)])
    await house.roll_up()
    await house.meter([usage(n) for n in range(6, 12)], first=6)
    if where == "costs":
        house.costs.failures.append(CrashError())
    else:
        house.publisher.fails = True
    with pytest.raises(CrashError):
        await house.roll_up(first=1)
    house.start()
    await house.roll_up(first=1)
    await house.rolling_up.show_all()
    assert house.total() == Decimal("0.25") * 2 * 12


async def test_a_new_price_between_a_crash_and_its_replay_re_prices_nothing(house: House) -> None:
    house.publisher.fails = True
    with pytest.raises(CrashError):
        await house.meter([usage(1), usage(2)])
    house.price = "1000"
    house.start()
    await house.meter([usage(1), usage(2)])
    await house.roll_up()
    assert house.total() == Decimal(1)


async def test_what_is_past_its_retention_leaves_the_tables(house: House) -> None:
    await house.meter([usage(1)])
    house.metering._sources[0].meter.watermark += 60 * 86_400
    house.metering._clock = lambda: 1_900_000_000.0
    await house.metering.expire()
    assert list(house.cells.rows[0]) == [meter_table.POSITION]
    assert not house.ids.rows[0]


async def test_a_budget_is_opened_with_what_is_already_spent(house: House) -> None:
    await house.meter([usage(1), usage(2)])
    control = {
        "control": "budget", "budget_id": "b-1", "version": 1, "scope": [["tenant", "acme"]],
        "period": "month", "timezone": "UTC", "deleted": False,
    }  # fmt: skip
    house.publisher.sent["totals"].append((None, orjson.dumps(control), 0))
    await house.roll_up()
    spends = house.publisher.sent["spend"]
    assert [key for key, _, _ in spends] == [b"tenant=acme"]
    assert b"1.00" in (spends[0][1] or b"")


async def test_the_audit_finds_no_gap(house: House) -> None:
    await house.meter([usage(n, tenant=f"t{n % 3}", minute=n) for n in range(30)])
    await house.roll_up()
    state = house.rolling_up._partition(0)
    assert state.days
    assert state.rows.gap(state.days) == 0


async def test_what_is_remembered_of_a_partition_is_forgotten_when_it_was_elsewhere_meanwhile(house: House) -> None:
    await house.meter([usage(1)])
    await house.roll_up()
    for table in (house.cells, house.ids, house.costs):
        table.rows.clear()  # its owner meanwhile has seen nothing of ours
        table.assign(0)
    await house.meter([usage(1), usage(2)])
    await house.roll_up(first=1)
    assert house.total() == Decimal("0.25") * 2 * 2


async def test_a_batch_in_the_midst_of_which_the_partition_was_elsewhere_writes_nothing(house: House) -> None:
    await gone_during(house.meter([usage(1)]), house.cells)
    await house.meter([usage(1)])
    await gone_during(house.roll_up(), house.costs)
    await house.roll_up()
    assert house.total() == Decimal("0.25") * 2


async def gone_during(work: Coroutine[Any, Any, None], table: MemoryTable) -> None:
    working = asyncio.ensure_future(work)
    await asyncio.sleep(0)
    table.assign(0)
    with pytest.raises(PartitionLostError):
        await working
    assert not table.rows[0]


async def test_what_comes_after_its_cost_has_expired_adds_only_itself(house: House) -> None:
    await house.meter([usage(n, day="2026-08-20") for n in range(20)])
    await house.roll_up()
    # Another source is two months on; the partition of the old events is not.
    await house.rolling_up.handle(batch("totals", [packet for _, packet in LIVE], 100))
    await house.rolling_up.expire()
    sent = len(house.publisher.sent["totals"])
    await house.meter([usage(20, day="2026-08-20")], 20)
    await house.rolling_up.handle(
        batch("totals", [value for _, value, _ in house.publisher.sent["totals"][sent:]], 200)
    )
    assert house.total() == Decimal("10.50"), "21 events at 0.50"
