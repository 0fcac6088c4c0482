"""What the view in Redis holds comes back as it was written, and every change of it can be told."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from app.adapters import redis_view
from domain.cost_rows import Line, Place, ProjectionRow
from domain.windows import DAY, HOUR, Granularity, Window

if TYPE_CHECKING:
    from app.adapters.redis_view import RedisView

pytestmark = pytest.mark.live

Row = tuple[tuple[int, Place], dict[Line, tuple[int, ProjectionRow]]]
TODAY, TOMORROW = Window(Granularity.DAY, 20_000 * DAY), Window(Granularity.DAY, 20_001 * DAY)
NEVER = Window(Granularity.HOUR, 20_000 * DAY + HOUR)
PARTS = [("tenant", TODAY), ("tenant", TOMORROW), ("all", TODAY), ("tenant", NEVER)]


def row(amount: str, *, window: Window = TODAY, owner: int = 0, position: int = 1) -> Row:
    line = Line(("acme",), "compute.requests", "metered", "request")
    shown = position, ProjectionRow(position, 2, Decimal("1e3"), Decimal(amount), 1)
    return (owner, Place(window, "tenant")), {line: shown}


async def test_lines_come_back_as_they_were_written(view: RedisView) -> None:
    await view.put_costs(dict([row("1.50"), row("-0.0000025", owner=1), row("7", window=TOMORROW)]))
    today, tomorrow, never = await view.sheets("tenant", [TODAY, TOMORROW, NEVER])
    assert [len(sheet.names) for sheet in (today, tomorrow, never)] == [2, 1, 0]
    assert {sheet.amount for sheet in today.rows()} == {Decimal("1.50"), Decimal("-0.0000025")}
    assert await view.rows("tenant", [TODAY, TOMORROW, NEVER]) == [*today.rows(), *tomorrow.rows()]
    (shown,) = tomorrow.rows()
    assert shown == (
        TOMORROW,
        ("acme",),
        "compute.requests",
        "metered",
        "request",
        Decimal(7),
        Decimal(1000),
        2,
        1,
        None,
    )


async def test_a_window_has_another_mark_after_each_write_and_others_keep_theirs(view: RedisView) -> None:
    _, empty = await view.standing((), PARTS)
    assert empty == (None, None, None, None)
    await view.put_costs(dict([row("1"), row("1", window=TOMORROW)]))
    _, before = await view.standing((), PARTS)
    assert None not in before[:2]
    assert before[2:] == (None, None)
    await view.put_costs(dict([row("2", position=2)]))
    _, after = await view.standing((), PARTS)
    assert after[0] not in {None, before[0]}
    assert after[1:] == before[1:]


async def test_another_writer_never_repeats_a_mark(view: RedisView) -> None:
    marks = set()
    for writer in (view, redis_view.RedisView(view._redis, view._prefix)):
        await writer.put_costs(dict([row("1")]))
        marks |= set((await view.standing((), PARTS[:1]))[1])
    assert len(marks) == 2


async def test_documents_and_marks_come_together(view: RedisView, monkeypatch: pytest.MonkeyPatch) -> None:
    await view.put_documents("progress", {"meter:0": b"{}", "meter:1": b"[]"})
    await view.put_costs(dict([row("1")]))
    together = await view.standing(["progress", "workers"], PARTS)
    assert together[0] == [{"meter:0": b"{}", "meter:1": b"[]"}, {}]
    assert together[0] == await view.documents_of(["progress", "workers"])
    # More keys than one command takes.
    monkeypatch.setattr(redis_view, "_KEYS_AT_ONCE", 3)
    assert await view.standing(["progress", "workers"], PARTS) == together


async def test_an_older_position_changes_nothing(view: RedisView) -> None:
    await view.put_costs(dict([row("2", position=10)]))
    await view.put_costs(dict([row("1", position=9)]))
    (shown,) = await view.rows("tenant", [TODAY])
    assert shown.amount == 2


async def test_documents_are_written_and_deleted_however_many(view: RedisView) -> None:
    names = [f"tenant-{number}" for number in range(1_234)]
    await view.put_documents("users:0", dict.fromkeys(names, b"1"))
    await view.put_documents("users:0", {name: None if number % 2 else b"2" for number, name in enumerate(names)})
    await view.put_documents("users:0", {})
    assert await view.documents("users:0") == dict.fromkeys(names[::2], b"2")
