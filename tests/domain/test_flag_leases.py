from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.flag_events import change_event, document_budget, document_field
from domain.flag_leases import (
    BudgetFlags,
    BudgetStatus,
    BudgetStatusEvent,
    StatusFlag,
    StatusPeriod,
    Transition,
    apply,
    delete,
    expire,
    parse_status,
)
from domain.rejection import Rejected

if TYPE_CHECKING:
    from collections.abc import Sequence

TIER = (
    StatusFlag("tier", Decimal("0.7"), "economy"),
    StatusFlag("tier", Decimal("0.85"), "throttled"),
    StatusFlag("export", Decimal("1.0"), "off"),
)


def month(number: int) -> StatusPeriod:
    return StatusPeriod(datetime(2026, number, 1, tzinfo=UTC), datetime(2026, number + 1, 1, tzinfo=UTC))


OCTOBER, NOVEMBER = month(10), month(11)
IN_NOVEMBER = datetime(2026, 11, 10, tzinfo=UTC).timestamp()
END_OF_NOVEMBER = int(NOVEMBER.end.timestamp())


def status(
    *crossed: str,
    period: StatusPeriod = NOVEMBER,
    version: int = 1,
    flags: tuple[StatusFlag, ...] = TIER,
    state: str = "ok",
) -> BudgetStatus:
    thresholds = tuple(Decimal(each) for each in crossed)
    return BudgetStatus("b-1", version, {"tenant": "acme"}, period, state, flags, thresholds)


def follow(*statuses: BudgetStatus, now: float = IN_NOVEMBER, known: BudgetFlags | None = None) -> Transition:
    changes: list[object] = []
    for each in statuses:
        moved = apply(known, each, now)
        known = moved.flags
        changes += moved.changes
    assert known is not None
    return Transition(known, tuple(changes))  # type: ignore[arg-type]


def in_force(flags: BudgetFlags) -> dict[str, str | None]:
    return {state.key: state.variant for state in flags.states}


def told(moved: Transition) -> list[tuple[str, str | None, str | None, str]]:
    return [(each.state.key, each.previous, each.state.variant, each.cause) for each in moved.changes]


@pytest.mark.parametrize(
    ("crossed", "tier", "export"),
    [
        ((), None, None),
        (("0.7",), "economy", None),
        (("0.7", "0.85"), "throttled", None),
        (("0.7", "0.9"), "throttled", None),
        (("0.7", "0.85", "1"), "throttled", "off"),
    ],
)
def test_the_highest_crossed_at_is_in_force(crossed: Sequence[str], tier: str | None, export: str | None) -> None:
    assert in_force(follow(status(*crossed)).flags) == {"tier": tier, "export": export}


def test_only_changes_are_told_each_with_what_was_before() -> None:
    moved = follow(status(), status("0.7"), status("0.7"), status("0.7", "0.85"), status("0.7"), status())
    assert told(moved) == [
        ("tier", None, "economy", "threshold"),
        ("tier", "economy", "throttled", "threshold"),
        ("tier", "throttled", "economy", "threshold"),
        ("tier", "economy", None, "threshold"),
    ]


def test_a_jump_tells_every_flag_once() -> None:
    assert told(follow(status("0.7", "0.85", "1"))) == [
        ("export", None, "off", "threshold"),
        ("tier", None, "throttled", "threshold"),
    ]


def test_a_variant_is_leased_until_the_end_of_its_period_and_then_released() -> None:
    flags = follow(status("0.85")).flags
    assert flags.until == END_OF_NOVEMBER
    assert expire(flags, END_OF_NOVEMBER - 1) == Transition(flags)
    moved = expire(flags, END_OF_NOVEMBER)
    assert told(moved) == [("tier", "throttled", None, "lease")]
    assert moved.flags.until is None
    assert not expire(moved.flags, END_OF_NOVEMBER + 1).changes


def test_a_variant_found_in_a_past_period_stays_until_a_newer_period_takes_over() -> None:
    flags = follow(status("0.85", period=OCTOBER)).flags
    assert flags.until is None
    assert in_force(expire(flags, END_OF_NOVEMBER * 2).flags)["tier"] == "throttled"
    moved = follow(status(period=NOVEMBER), known=flags)
    assert told(moved) == [("tier", "throttled", None, "threshold")]


def test_history_takes_over_from_a_running_period_that_has_no_spend() -> None:
    moved = follow(status(period=NOVEMBER), status("0.7", period=OCTOBER))
    assert told(moved) == [("tier", None, "economy", "threshold")]


def test_what_comes_late_for_a_period_whose_lease_ran_out_raises_nothing() -> None:
    released = expire(follow(status("0.7")).flags, END_OF_NOVEMBER).flags
    late = follow(status("0.7", "0.85"), known=released, now=END_OF_NOVEMBER + 5)
    assert not late.changes
    assert in_force(late.flags) == {"tier": None, "export": None}


def test_a_lease_that_ran_out_unnoticed_is_released_by_a_late_status() -> None:
    held = follow(status("0.7")).flags
    assert told(follow(status("0.7", "0.85"), known=held, now=END_OF_NOVEMBER + 1)) == [
        ("tier", "economy", None, "lease")
    ]


def test_the_next_period_may_raise_again_after_a_release() -> None:
    released = expire(follow(status("0.7")).flags, END_OF_NOVEMBER)
    december = StatusPeriod(NOVEMBER.end, datetime(2027, 1, 1, tzinfo=UTC))
    moved = follow(status("0.7", period=december), known=released.flags, now=END_OF_NOVEMBER)
    assert told(moved) == [("tier", None, "economy", "threshold")]


def test_the_same_variant_in_the_next_period_is_no_change_but_a_new_lease() -> None:
    october = follow(status("0.7", period=OCTOBER)).flags
    moved = follow(status("0.7"), known=october)
    assert not moved.changes
    assert moved.flags.until == END_OF_NOVEMBER


def test_a_flag_that_its_budget_drops_is_released() -> None:
    known = follow(status("0.85", "1")).flags
    moved = follow(status("0.85", "1", version=2, flags=TIER[:2]), known=known)
    assert told(moved) == [("export", "off", None, "threshold")]
    assert in_force(moved.flags) == {"tier": "throttled"}


@pytest.mark.parametrize("how", ["tombstone", "state"])
def test_deleting_a_budget_releases_its_flags_and_a_new_one_starts_over(how: str) -> None:
    known = follow(status("0.7", version=3)).flags
    gone = delete(known) if how == "tombstone" else follow(status("0.7", version=3, state="deleted"), known=known)
    assert told(gone) == [("tier", "economy", None, "deleted")]
    assert not gone.flags.states
    again = follow(status("0.7", version=1), known=gone.flags)
    assert told(again) == [("tier", None, "economy", "threshold")]
    assert again.changes[0].sequence > gone.changes[0].sequence


def identifiers(moved: Transition) -> list[str]:
    return [orjson.loads(change_event(each, time=0, recorded=0))["id"] for each in moved.changes]


crossings = st.lists(st.sets(st.sampled_from(["0.7", "0.85", "1"])), max_size=12)


@given(crossings)
def test_a_replay_gives_the_same_ids_and_no_two_changes_share_one(steps: list[set[str]]) -> None:
    statuses = [status(*sorted(each)) for each in steps]
    if not statuses:
        return
    first, replayed = follow(*statuses), follow(*statuses)
    assert identifiers(first) == identifiers(replayed)
    assert len(set(identifiers(first))) == len(first.changes) == first.flags.sequence


@given(crossings, st.integers(0, 12))
def test_the_changes_told_add_up_to_the_state(steps: list[set[str]], lease_ends_after: int) -> None:
    known, state = None, dict[str, str | None]()
    for number, each in enumerate(steps):
        now = IN_NOVEMBER if number < lease_ends_after else END_OF_NOVEMBER + 1
        moved = apply(known, status(*sorted(each)), now)
        known = moved.flags
        for change in moved.changes:
            assert state.get(change.state.key) == change.previous
            state[change.state.key] = change.state.variant
        assert {key: state.get(key) for key in in_force(known)} == in_force(known)


def test_a_change_is_told_as_an_event_with_its_lease() -> None:
    (change,) = follow(status("0.7")).changes
    event = orjson.loads(change_event(change, time=1_793_664_000, recorded=1_793_664_001))
    assert event["type"] == "costguard.flag.changed"
    assert event["source"] == "/costguard/flags"
    assert event["time"] == "2026-11-03T00:00:00Z"
    assert event["data"] == {
        "key": "tier",
        "variant": "economy",
        "previous": None,
        "cause": "threshold",
        "scope": {"tenant": "acme"},
        "budget_id": "b-1",
        "budget_version": 1,
        "at": "0.7",
        "until": "2026-12-01T00:00:00Z",
        "period": {"start": "2026-11-01T00:00:00Z", "end": "2026-12-01T00:00:00Z"},
    }


def test_the_name_of_a_document_tells_its_budget() -> None:
    assert document_budget(document_field("a\x1fb", "b-1")) == "b-1"


STATUS_EVENT = {
    "specversion": "1.0",
    "id": "1",
    "source": "/costguard/budgets",
    "type": "costguard.budget.status",
    "time": "2026-11-03T00:00:00Z",
    "data": {
        "budget_id": "b-1",
        "budget_version": 2,
        "scope": {"tenant": "acme"},
        "name": None,
        "limit": "80.00",
        "period": {
            "name": "month",
            "start": "2026-11-01T00:00:00Z",
            "end": "2026-12-01T00:00:00Z",
            "timezone": "UTC",
        },
        "thresholds": ["0.7", "0.85"],
        "flags": [{"key": "tier", "at": "0.7", "variant": "economy"}],
        "crossed": ["0.7"],
        "state": "crossed",
        "updated": None,
    },
}


def test_a_status_of_the_topic_is_read() -> None:
    got = parse_status(orjson.dumps(STATUS_EVENT))
    assert isinstance(got, BudgetStatusEvent)
    assert got.data == status("0.7", version=2, flags=TIER[:1], state="crossed")


@pytest.mark.parametrize("crossed", ["NaN", "Infinity", "-1", "1e999999", "1e-999999", "much"])
def test_a_threshold_that_is_no_share_is_rejected(crossed: str) -> None:
    data = {**STATUS_EVENT["data"], "crossed": [crossed]}  # type: ignore[dict-item]
    assert isinstance(parse_status(orjson.dumps({**STATUS_EVENT, "data": data})), Rejected)


@pytest.mark.parametrize(
    "instant",
    ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "1969-12-31T23:59:59Z", "2200-01-01T00:00:00Z"],
)
def test_an_instant_that_nobody_can_act_at_is_rejected(instant: str) -> None:
    data: Any = STATUS_EVENT["data"]
    for period in ({**data["period"], "start": instant}, {**data["period"], "end": instant}):
        assert isinstance(parse_status(orjson.dumps({**STATUS_EVENT, "data": {**data, "period": period}})), Rejected)
    assert isinstance(parse_status(orjson.dumps({**STATUS_EVENT, "time": instant})), Rejected)


@given(st.binary(max_size=100))
def test_foreign_bytes_never_raise(value: bytes) -> None:
    assert isinstance(parse_status(value), Rejected)


def test_other_types_are_rejected() -> None:
    got = parse_status(orjson.dumps({**STATUS_EVENT, "type": "costguard.budget.set"}))
    assert isinstance(got, Rejected)
    assert "costguard.budget.set" in got.reason


def test_state_survives_its_row() -> None:
    flags = follow(status("0.7")).flags
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(flags), type=BudgetFlags) == flags
