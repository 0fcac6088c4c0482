"""Sums are kept for as long as nothing has changed, and not a moment longer."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from app.api.kept_sums import KeptSums
from domain.cells import CostRow
from domain.queries import CostQuery, Fold, Plan, Span, plan
from domain.windows import DAY, HOUR, MINUTE, Granularity, Window, floor
from tests.app.api.sheets import sheets_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.adapters.cost_lines import Sheet
    from app.adapters.redis_view import Marks

NOW = 20_000 * DAY + 5 * HOUR + 17 * MINUTE
MONTH = CostQuery(Span(NOW - 30 * DAY, NOW), {}, ("tenant",))


class View:
    """Lines by minute, in every window that holds them; counts how many windows are read."""

    def __init__(self) -> None:
        self.lines: list[tuple[int, str, Decimal]] = []
        self.changes: defaultdict[Window, int] = defaultdict(int)
        self.read = 0

    def put(self, at: int, tenant: str, amount: str) -> None:
        self.lines.append((at, tenant, Decimal(amount)))
        for granularity in Granularity:
            self.changes[Window(granularity, floor(at, granularity.seconds))] += 1

    def marks(self, windows: Sequence[Window]) -> Marks:
        return tuple(b"%d" % self.changes[window] if window in self.changes else None for window in windows)

    async def sheets(self, projection: str, windows: Sequence[Window]) -> list[Sheet]:
        await asyncio.sleep(0)
        assert projection == "tenant"
        self.read += len(windows)
        rows = [
            CostRow(window, (tenant,), "compute.cpu_seconds", "metered", "", amount, Decimal(1), 1, 0)
            for window in windows
            for at, tenant, amount in self.lines
            if window.start <= at < window.end
        ]
        return sheets_of(projection, windows, rows)


async def ask(sums: KeptSums, view: View, query: CostQuery = MONTH) -> dict[tuple[str, ...], Decimal]:
    planned = plan(query)
    assert isinstance(planned, Plan)
    fold = await sums.fold(view, query, planned, view.marks(planned.windows), NOW)  # type: ignore[arg-type]
    assert isinstance(fold, Fold)
    return {group.key: group.amount for group in fold.result().groups}


async def test_the_same_question_reads_nothing_twice() -> None:
    view, sums = View(), KeptSums()
    view.put(NOW - 3 * DAY, "acme", "1.5")
    assert await ask(sums, view) == {("acme",): Decimal("1.5")}
    view.read = 0
    assert await ask(sums, view) == {("acme",): Decimal("1.5")}
    assert view.read == 0


async def test_those_who_ask_the_same_at_once_read_once_and_share_the_answer() -> None:
    view, sums = View(), KeptSums()
    view.put(NOW - 3 * DAY, "acme", "1.5")
    await ask(sums, view)
    read, view.read = view.read, 0
    planned, others = plan(MONTH), KeptSums()
    assert isinstance(planned, Plan)
    marks = view.marks(planned.windows)
    answers = await asyncio.gather(*[others.fold(view, MONTH, planned, marks, NOW) for _ in range(4)])  # type: ignore[arg-type]
    assert view.read == read
    assert len({id(fold.result()) for fold in answers if isinstance(fold, Fold)}) == 1


async def test_a_late_event_is_seen_at_once_and_costs_its_neighbours_only() -> None:
    view, sums = View(), KeptSums()
    view.put(NOW - 3 * DAY, "acme", "1")
    await ask(sums, view)
    view.read = 0
    view.put(NOW - 20 * DAY, "acme", "2")
    assert await ask(sums, view) == {("acme",): Decimal(3)}
    assert 0 < view.read <= 8


async def test_what_is_kept_is_bounded() -> None:
    view, sums = View(), KeptSums(max_groups=30)
    for number in range(5):
        view.put(NOW - 3 * DAY, f"tenant-{number}", "1")
        view.put(NOW - 20 * DAY, f"tenant-{number}", "1")
    assert len(await ask(sums, view)) == 5
    assert sums._shelf.groups <= 30
    assert len(await ask(sums, view)) == 5


async def test_questions_without_an_answer_are_bounded_too() -> None:
    view, sums = View(), KeptSums(max_groups=30)
    for number in range(50):
        await ask(sums, view, MONTH._replace(filters={"tenant": frozenset({f"nobody-{number}" * 20})}))
        assert sums._shelf.groups <= 30
        assert len(sums._shelf) <= 30


@given(
    st.lists(
        st.one_of(
            st.tuples(st.integers(0, 35 * DAY), st.sampled_from("abc"), st.integers(1, 99)),
            st.tuples(st.integers(1, 30 * DAY), st.booleans()),
        ),
        max_size=25,
    )
)
async def test_any_sequence_of_writes_and_questions_is_answered_from_the_view_as_it_is(
    steps: list[tuple[int, ...]],
) -> None:
    view, sums = View(), KeptSums(max_groups=20)
    for step in steps:
        if len(step) == 3:
            view.put(NOW - step[0], str(step[1]), f"0.{step[2]}")
            continue
        start = floor(NOW - step[0], MINUTE)
        query = MONTH._replace(span=Span(start, NOW), filters={"tenant": frozenset("ab")} if step[1] else {})
        expected: defaultdict[tuple[str, ...], Decimal] = defaultdict(Decimal)
        for at, tenant, amount in view.lines:
            if start <= at < NOW and not (step[1] and tenant == "c"):
                expected[tenant,] += amount
        assert await ask(sums, view, query) == expected
