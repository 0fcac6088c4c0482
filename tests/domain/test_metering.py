"""The meter: exact under disorder, duplicates, any split into batches, and replay from any point."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from domain.identities import Identities
from domain.metering import CellKey, Folded, Meter, MeterRow
from domain.ownership import Owner, Ownership
from domain.pricing import PriceBook

if TYPE_CHECKING:
    from collections.abc import Sequence

BOOK = PriceBook.load(
    [
        {
            "resource_type": "compute.requests",
            "price": "0.000002",
            "unit": "request",
            "effective_from": "2020-01-01",
        }
    ],
    "USD",
)


def record(offset: int, **changes: Any) -> Any:
    data = {"tenant": "acme", "feature": "f", "service": "s", "resource_type": "compute.requests", "units": 1}
    event = {
        "specversion": "1.0",
        "id": f"e{offset}",
        "source": "/test",
        "type": "costguard.usage.metered",
        "time": "2026-11-01T00:00:30Z",
        "data": data,
    }
    for name, value in changes.items():
        (event if name in event else data)[name] = value
    return SimpleNamespace(offset=offset, value=orjson.dumps(event), headers=())


NOW = 2_000_000_000


class Worker:
    """A meter and its tables; `crash` forgets what was not written."""

    def __init__(self, ownership: Ownership | None = None) -> None:
        self.rows: dict[CellKey, MeterRow] = {}
        self.ids: list[Any] = []
        self.position = -1
        self.ownership = ownership or Ownership()
        self.crash()

    def crash(self) -> None:
        identities = Identities()
        identities.load(self.ids)
        self.meter = Meter(
            book=BOOK,
            ownership=self.ownership,
            read=self.rows.get,
            identities=identities,
            position=self.position,
        )

    def handle(self, records: Sequence[Any], *, cells: bool = True, ids: bool = True, newest: int = 0) -> Folded:
        folded = self.meter.fold(records, NOW, newest)
        if cells:
            self.rows |= folded.rows
            self.position = self.meter.position
        if ids:
            self.ids += folded.identities
        return folded

    @property
    def units(self) -> Decimal:
        return sum((row.units for row in self.rows.values()), Decimal(0))

    @property
    def events(self) -> int:
        return sum(row.events for row in self.rows.values())


def test_quantities_are_summed_and_priced_once_exactly() -> None:
    worker = Worker()
    worker.handle([record(n, units="0.1") for n in range(3)])
    ((key, row),) = worker.rows.items()
    assert (row.events, row.units, row.amount) == (3, Decimal("0.3"), Decimal("0.0000006"))
    assert key.minute % 60 == 0


def test_missing_labels_are_unattributed_by_dimension_and_team_is_looked_up() -> None:
    worker = Worker(Ownership([Owner("s", "search")]))
    worker.handle([record(0, tenant="", environment=None)])
    (key,) = worker.rows
    assert (key.tenant, key.environment, key.team) == (
        "unattributed",
        "unattributed",
        "search",
    )


def test_an_unknown_price_is_null_and_counted_never_zero() -> None:
    worker = Worker()
    folded = worker.handle([record(0, resource_type="third_party.seats")])
    (row,) = worker.rows.values()
    assert (row.amount, row.events, folded.unpriced) == (None, 1, 1)


def test_what_is_not_an_event_is_rejected_with_its_reason_and_the_rest_is_folded() -> None:
    folded = Worker().handle([record(0), SimpleNamespace(offset=1, value=b"{", headers=()), record(2, units=-1)])
    assert [bad.offset for bad, _ in folded.rejected] == [1, 2]
    assert all(reason for _, reason in folded.rejected)
    assert folded.events == 1


def test_a_late_event_lands_in_its_own_minute() -> None:
    worker = Worker()
    folded = worker.handle([record(0), record(1, time="2026-10-20T10:00:00+02:00")])
    assert folded.late == 1
    assert len({key.minute for key in worker.rows}) == 2


def test_a_source_whose_clock_is_ahead_makes_nobody_else_late() -> None:
    worker = Worker()
    ahead = [record(n, time="2026-11-01T01:00:30Z") for n in range(10)]
    folded = worker.handle([*ahead, *(record(n) for n in range(10, 40))])
    assert folded.late == 0
    assert worker.meter.watermark == int(datetime(2026, 11, 1, 0, 0, 30, tzinfo=UTC).timestamp())
    assert worker.meter.newest == worker.meter.watermark + 3600


def test_an_event_of_tomorrow_does_not_move_the_watermark_beyond_the_clock() -> None:
    worker = Worker()
    worker.meter.fold([record(0)], now=1_700_000_000)
    assert worker.meter.watermark == 1_700_000_000


def test_touched_totals_are_sent_again_on_replay_though_nothing_is_added() -> None:
    worker = Worker()
    records = [record(n) for n in range(5)]
    first = worker.handle(records).totals()
    worker.crash()
    assert worker.handle(records).totals() == first
    assert worker.events == 5


@given(
    ids=st.lists(st.integers(0, 12), min_size=1, max_size=40),
    sizes=st.lists(st.integers(1, 9), min_size=40, max_size=40),
    crashes=st.lists(st.tuples(st.integers(0, 10), st.booleans(), st.booleans()), max_size=4),
)
def test_any_crash_between_any_two_writes_loses_and_doubles_nothing(
    ids: list[int], sizes: list[int], crashes: list[tuple[int, bool, bool]]
) -> None:
    records = [record(offset, id=f"id{number}", units=number + 1) for offset, number in enumerate(ids)]
    worker, committed, plan = Worker(), 0, {when: (cells, kept) for when, cells, kept in crashes}
    step = 0
    while committed < len(records):
        batch = records[committed : committed + sizes[step % len(sizes)]]
        if step in plan:
            cells, kept = plan.pop(step)
            worker.handle(batch, cells=cells, ids=kept)
            worker.crash()
        else:
            worker.handle(batch)
            committed += len(batch)
        step += 1
    assert worker.events == len(set(ids))
    assert worker.units == sum(number + 1 for number in set(ids))


LONG_AFTER = 1_793_491_200 + 60 * 86_400


def test_what_is_long_past_begins_anew_beside_what_it_came_to() -> None:
    worker = Worker()
    worker.handle([record(0), record(1)])
    worker.handle([record(2)], newest=LONG_AFTER)
    (row,) = worker.rows.values()
    assert (row.first, row.events) == (2, 1)


def test_a_replay_goes_on_with_what_a_crash_may_have_kept_from_being_sent() -> None:
    worker = Worker()
    worker.handle([record(0), record(1)], newest=LONG_AFTER)
    worker.crash()
    worker.handle([record(0), record(1), record(2)], newest=LONG_AFTER)
    (row,) = worker.rows.values()
    assert (row.first, row.events) == (0, 3)


hostile = st.one_of(
    st.decimals(allow_nan=True, allow_infinity=True).map(str),
    st.builds(lambda digits, power: f"{digits}e{power}", st.integers(0, 10**40), st.integers(-(10**10), 10**10)),
    st.integers(0, 200).map(lambda zeros: "1." + "0" * zeros),
    st.integers(0, 10**130).map(str),
)


@given(st.lists(st.tuples(hostile, st.booleans()), min_size=1, max_size=8))
def test_no_quantity_that_is_accepted_keeps_another_from_being_summed(written: list[tuple[str, bool]]) -> None:
    def event(offset: int, text: str, *, tokens: bool) -> Any:
        changes: dict[str, Any] = {"units": text}
        if tokens and text.isdigit():
            attributes = {"provider": "openai", "model": "gpt-4o"}
            changes = {"resource_type": "third_party.llm_tokens", "attributes": attributes}
        made = record(offset, **changes)
        if tokens and text.isdigit():
            made.value = made.value.replace(b'"units":1', b'"usage":{"input_tokens":' + text.encode() + b"}")
        return made

    worker = Worker()
    worker.handle([event(offset, text, tokens=tokens) for offset, (text, tokens) in enumerate(written)])
    worker.handle([record(len(written), units="0.000000000000000001")])
    assert worker.events >= 1
