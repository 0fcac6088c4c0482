"""Many lines at once come to what they come to one by one, whatever is asked."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api import adding_up
from app.api.adding_up import Adder, read_sheets
from domain.queries import CostQuery, Fold, Plan, plan
from domain.rejection import Rejected
from domain.windows import DAY, Granularity, Window
from tests.app.api.sheets import sheets_of
from tests.app.api.view_of_events import ViewOfEvents
from tests.domain.cost_events import DAYS, FIRST, Priced, events, rows
from tests.domain.test_queries import CALL, EVER, filters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.queries import Costs

groupings = st.sampled_from([(), ("tenant",), ("feature", "service"), ("driver", "provider"), ("category",)])
granularities = st.sampled_from([None, Granularity.HOUR, Granularity.DAY])
sources = st.sampled_from(["metered", "billing", "best"])
billed = st.dictionaries(st.sampled_from(["aws", "gcp"]), st.integers(0, DAYS).map(lambda day: FIRST + day * DAY))


@pytest.fixture(autouse=True)
def _columns_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adding_up, "FEW_LINES", 1)


def answers(query: CostQuery, happened: list[Priced]) -> tuple[Costs, Costs]:
    planned = plan(query)
    assert isinstance(planned, Plan)
    found = rows(happened, planned.projection, planned.windows)
    one_by_one, at_once = Fold(query, planned.projection), Fold(query, planned.projection)
    assert one_by_one.add(found) is None
    adder, sheets = Adder(query, planned.projection), sheets_of(planned.projection, planned.windows, found)
    # In two parts, as they come from Redis.
    for part in (sheets[: len(sheets) // 2], sheets[len(sheets) // 2 :]):
        assert adder.add(at_once, part) is None
    return one_by_one.result(), at_once.result()


@given(events(), groupings, granularities, filters, sources, billed)
def test_columns_answer_as_single_lines_do(
    happened: list[Priced],
    group_by: tuple[str, ...],
    granularity: Granularity | None,
    wanted: dict[str, frozenset[str]],
    source: str,
    until: dict[str, int],
) -> None:
    bills = [event._replace(source=f"billed/{name}/billed/usage") for event in happened for name in until]
    query = CostQuery(EVER, wanted, group_by, granularity, source, billed_until=tuple(sorted(until.items())))
    one_by_one, at_once = answers(query, happened + bills)
    assert at_once.groups == one_by_one.groups
    assert (at_once.total, at_once.unpriced) == (one_by_one.total, one_by_one.unpriced)


def test_numbers_too_long_for_columns_are_added_one_by_one() -> None:
    tiny = CALL._replace(amount=Decimal("1e-30"))
    _, at_once = answers(CostQuery(EVER, {}), [CALL, tiny])
    assert at_once.total == Decimal("3.000000000000000000000000000001")


def test_too_many_lines_are_refused_selected_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("domain.queries.folding.MAX_LINES", 1)
    query = CostQuery(EVER, {"tenant": frozenset({"nobody"})})
    windows = [Window(Granularity.DAY, FIRST)]
    found = rows([CALL, CALL._replace(resource_type="network.egress_gb")], "tenant", windows, owners=1)
    rejected = Adder(query, "tenant").add(Fold(query, "tenant"), sheets_of("tenant", windows, found))
    assert isinstance(rejected, Rejected)


async def test_many_small_windows_are_read_together_and_large_ones_by_themselves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(adding_up, "_LINES_AT_ONCE", 4)
    large = [CALL._replace(resource_type=f"compute.{number}") for number in range(5)]
    small = [CALL._replace(minute=FIRST + day * DAY) for day in range(1, 30)]
    windows = [Window(Granularity.DAY, FIRST + day * DAY) for day in range(-9, 40)]
    sizes = [_sizes(sheets) async for sheets in read_sheets(ViewOfEvents([*large, *small]), "all", windows)]
    assert [size for some in sizes for size in some] == [0] * 9 + [5] + [1] * 29 + [0] * 10
    after_large = next(at for at, some in enumerate(sizes) if 5 in some) + 1
    assert len(sizes[after_large]) == 1
    assert all(sum(some) <= 4 for some in sizes[after_large:])
    assert len(sizes) < len(windows) / 2


def _sizes(sheets: Sequence[object]) -> list[int]:
    return [len(sheet.names) for sheet in sheets]  # type: ignore[attr-defined]
