"""A batch is one stream event, and commits whole."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from agents.batch import Batch
from app.adapters.faust_transport import Consumer
from app.adapters.fetches import Fetch, Void
from app.adapters.in_flight import InFlight, Unbroken
from app.batching import BatchingScheduler

USAGE, OTHER = TP("usage", 0), TP("other", 0)


class UsageInBatches(BatchingScheduler):
    batched = frozenset({"usage"})


# Faust's types call its scheduler abstract; it is not.
Scheduler: Any = UsageInBatches


def records(tp: TP, offsets: list[int]) -> list[Any]:
    return [
        SimpleNamespace(topic=tp.topic, partition=tp.partition, offset=offset, timestamp=0, timestamp_type=0)
        for offset in offsets
    ]


def test_a_fetch_of_a_batched_topic_is_one_event_with_the_last_offset() -> None:
    fetched = {USAGE: records(USAGE, [5, 6, 9])}
    ((tp, event),) = Scheduler().iterate(fetched)
    assert (tp, event.offset, len(event.value.records)) == (USAGE, 9, 3)


def test_other_topics_keep_their_records() -> None:
    fetched = {USAGE: records(USAGE, [1]), OTHER: records(OTHER, [1, 2])}
    assert [(tp.topic, event.offset) for tp, event in Scheduler().iterate(fetched)] == [
        ("usage", 1),
        ("other", 1),
        ("other", 2),
    ]


def test_an_empty_fetch_yields_nothing() -> None:
    assert list(Scheduler().iterate({USAGE: []})) == []


def batch(first: int, last: int, follows: int | None = None, end: int | None = None) -> Batch:
    return Batch("usage", 0, tuple(records(USAGE, [first, last] if last > first else [first])), follows, end)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=8), st.data())
def test_the_commit_position_moves_over_done_batches_in_order(sizes: list[int], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, 1000))
    flight, batches, start = InFlight(at), list[Batch](), at
    for size in sizes:
        batches.append(batch(at, at + size - 1))
        at += size
        assert flight.receive(batches[-1]) is None
    committed = start
    for index in data.draw(st.permutations(range(len(batches)))):
        batches[index].done = True
        position = flight.take_done()
        expected = next((one.first_offset for one in batches if not one.done), at)
        assert position == (expected if expected > committed else None)
        committed = max(committed, expected)
    assert committed == at


def test_records_that_faust_dropped_are_fetched_again() -> None:
    flight = InFlight(100)
    assert flight.receive(batch(150, 199)) == 100
    assert flight.receive(batch(150, 199)) == 100, "however often they are dropped"
    assert flight.receive(batch(100, 149)) is None
    assert flight.receive(batch(150, 199)) is None


def test_records_that_were_dropped_are_fetched_again_though_no_later_ones_come() -> None:
    flight = InFlight(100)
    assert flight.missing(100) is None
    assert [flight.missing(103), flight.missing(103)] == [100, 100]
    assert flight.receive(batch(100, 102)) is None
    assert flight.missing(103) is None


def test_gaps_left_by_compaction_do_not_hold_the_commit_back() -> None:
    flight = InFlight(0)
    first, second = batch(3, 9, 0), batch(30, 31, 10)
    assert [flight.receive(first), flight.receive(second)] == [None, None]
    first.done = second.done = True
    assert flight.take_done() == 32


def test_offsets_that_hold_no_record_are_passed_over() -> None:
    flight = InFlight(100)
    assert flight.missing(103, Void(100, 103)) is None
    assert flight.receive(batch(103, 104)) is None


def test_a_void_further_on_tells_nothing_of_what_lies_before_it() -> None:
    assert InFlight(100).missing(120, Void(110, 120)) == 100


def test_a_fetch_that_somebody_gave_up_on_and_that_took_records_is_noticed_by_the_next_one() -> None:
    flight = InFlight(100)
    assert flight.receive(batch(155, 199, 150)) == 100


def test_a_batch_knows_where_the_consumer_stood_before_and_after_it() -> None:
    fetch = Fetch(records(USAGE, [7, 9]))
    fetch.start, fetch.end = 4, 12
    ((_, pseudo),) = Scheduler().iterate({USAGE: fetch})
    assert (pseudo.value.follows, pseudo.value.end) == (4, 12)


def test_what_compaction_took_from_the_end_of_a_fetch_is_neither_missing_nor_committed_again() -> None:
    flight = InFlight(0)
    cut = batch(0, 5, end=9)
    assert flight.receive(cut) is None
    assert flight.missing(9) is None
    assert flight.receive(batch(9, 10)) is None
    cut.done = True
    assert flight.take_done() == 9


def test_a_void_between_two_batches_belongs_to_the_second() -> None:
    recovering = Unbroken(0)
    assert recovering.receive(batch(0, 4)) is None
    assert recovering.missing(8, Void(5, 8)) is None
    after = batch(8, 9)
    assert recovering.receive(after) is None
    assert after.follows == 5, "the table is at 4 and knows of no hole"


def test_a_batch_fetched_again_takes_the_place_of_what_was_never_done() -> None:
    flight = InFlight(0)
    kept, overtaken, again = batch(0, 9), batch(10, 19), batch(10, 14)
    for one in (kept, overtaken, again):
        assert flight.receive(one) is None
    assert (kept.stale, overtaken.stale) == (False, True)
    kept.done = again.done = True
    assert flight.take_done() == 15


def test_what_was_fetched_before_a_rebalance_is_stale_and_what_still_comes_too() -> None:
    flight = InFlight(0)
    waiting, late = batch(0, 9), batch(20, 29)
    flight.receive(waiting)
    flight.close()
    assert flight.receive(late) is None
    assert (waiting.stale, late.stale, flight.missing(30)) == (True, True, None)


def test_an_interrupted_recovery_starts_anew_where_it_is_told_to() -> None:
    recovering = Unbroken(0)
    assert recovering.receive(batch(0, 99)) is None
    recovering = Unbroken(0)  # what `seek_wait` does: the table never had those
    late = batch(100, 199)
    assert recovering.receive(late) == 0
    assert recovering.receive(batch(0, 99)) is None
    assert recovering.receive(late) is None
    assert late.follows == 100


@pytest.mark.parametrize(("is_changelog", "stale"), [(False, True), (True, False)])
def test_what_is_fetched_before_the_commits_of_a_new_partition_are_sought_is_stale(
    *, is_changelog: bool, stale: bool
) -> None:
    consumer: Any = object.__new__(Consumer)
    consumer._in_flight, consumer._recovering = {}, {}
    consumer._is_changelog_tp = lambda _: is_changelog
    early = batch(150, 199)
    assert consumer._receive(USAGE, early) is None
    assert early.stale is stale


def test_a_batch_that_a_stream_skipped_is_fetched_again_and_so_is_what_came_after_it() -> None:
    flight = InFlight(0)
    done, skipped, after = batch(0, 9), batch(10, 19), batch(20, 29)
    for one in (done, skipped, after):
        assert flight.receive(one) is None
    done.taken = done.done = True
    flight.acknowledged({9, 19})
    assert (skipped.stale, after.stale, flight.take_done()) == (True, True, 10)
    assert flight.missing(30) == 10
    assert flight.receive(batch(10, 29)) is None
    flight.acknowledged({19})
    assert flight.missing(30) is None, "one that is not in flight any more is nobody's loss"


def test_nothing_is_committed_of_a_partition_before_its_commits_are_sought() -> None:
    consumer: Any = object.__new__(Consumer)
    consumer._in_flight, consumer._acked = {}, {USAGE: [39]}
    assert consumer._new_offset(USAGE) is None


def test_a_partition_is_done_when_all_that_was_fetched_of_it_came_here_and_is_done() -> None:
    flight = InFlight(100)
    assert flight.is_done(100)
    assert not flight.is_done(101), "something is on its way here"
    fetched = batch(100, 119)
    assert flight.receive(fetched) is None
    assert not flight.is_done(120)
    fetched.done = True
    assert flight.is_done(120)
    flight.close()
    assert not flight.is_done(120)
