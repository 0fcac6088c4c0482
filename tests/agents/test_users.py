"""Distinct users through meter and rollup, over crashes and time: the number is right, and goes in the end."""

from __future__ import annotations

from decimal import Decimal

import pytest

from domain.windows import DAY
from tables import costs as table
from tests.agents.fakes import CrashError
from tests.agents.house import House, usage

FIRST = 1_793_491_200  # 2026-11-01T00:00:00Z


def named(*users: str, tenant: str = "acme", first: int = 0) -> list[bytes | None]:
    return [usage(first + number, tenant, attributes={"user": user}) for number, user in enumerate(users)]


def shown(house: House) -> dict[str, bytes | None]:
    kind = f"users:{FIRST}"
    return {name: document for (found, name), document in house.view.documents.items() if found == kind}


async def test_users_are_counted_once_and_cost_nothing() -> None:
    house = House()
    await house.meter([*named("ann", "bob", "ann"), *named("ann", tenant="globex", first=3), usage(9)])
    await house.roll_up()
    assert shown(house) == {"acme": b"2", "globex": b"1"}
    assert house.total() == 5 * 2 * Decimal("0.25")
    assert not any(b"user" in (value or b"") for _, value, _ in house.publisher.sent["attributed"])


async def test_events_without_users_tell_of_none() -> None:
    house = House()
    await house.meter([usage(1), usage(2, attributes={"model": "user"})])
    await house.roll_up()
    assert shown(house) == {}
    assert len(house.publisher.sent["totals"]) == 1


@pytest.mark.parametrize("where", ["meter", "rollup"])
@pytest.mark.parametrize("writes", [0, 1])
async def test_a_crash_anywhere_changes_no_number(where: str, writes: int) -> None:
    house = House()
    await house.meter(named("ann", "bob"))
    await house.roll_up()
    if where == "meter":
        house.publisher.fails = True
        with pytest.raises(CrashError):
            await house.meter(named("bob", "cyd", first=2), first=2)
        house.start()
    await house.meter(named("bob", "cyd", first=2), first=2)
    if where == "rollup":
        house.costs.failures = [None] * writes + [CrashError()]
        with pytest.raises(CrashError):
            await house.roll_up(first=2)
        house.start()
    await house.roll_up(first=2)
    assert shown(house) == {"acme": b"3"}


async def test_everything_is_shown_again() -> None:
    house = House()
    await house.meter(named("ann", "bob"))
    await house.roll_up()
    house.view.documents.clear()
    house.start()
    await house.rolling_up.show_all()
    assert shown(house) == {"acme": b"2"}


async def test_who_is_told_again_after_a_restart_is_not_counted_twice() -> None:
    house = House()
    await house.meter(named("ann", "bob"))
    await house.roll_up()
    house.start()
    await house.meter(named("ann", "cyd", first=2), first=2)
    await house.roll_up(first=2)
    assert shown(house) == {"acme": b"3"}


async def test_sketches_go_first_and_numbers_with_the_days_of_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House()
    await house.meter(named("ann", "bob"))
    await house.roll_up()
    for days, kinds in [(50, {table.USERS}), (801, set())]:
        house.rolling_up._clock = lambda days=days: float(FIRST + days * DAY)  # type: ignore[misc]
        later = FIRST + days * DAY
        monkeypatch.setattr("agents.rollup_rows.CostRows.watermark", lambda _, later=later: later)
        await house.rolling_up.expire()
        left = {key[:1] for key in house.costs.rows[0]} & {table.SKETCHES, table.USERS}
        assert left == kinds
    assert shown(house) == {"acme": None}
