from __future__ import annotations

from agents.webhooks_outbox import Lane, Outbox
from tables.deliveries import Pending


def owed(order: int, *, due: float = 0, subscription: str = "hook", version: int = 0) -> Pending:
    return Pending(version, subscription, "t", str(order), order, 0, due, 0, b"")


def taken(outbox: Outbox, now: float) -> list[bytes]:
    return [turn.identity for turn in outbox.take(now)]


def drain(outbox: Outbox, now: float, lane: Lane) -> list[bytes]:
    got: list[bytes] = []
    while turns := taken(outbox, now):
        got += turns
        outbox.release(lane)
    return got


def test_a_lane_sends_in_order_of_event_time_then_of_offset() -> None:
    outbox = Outbox()
    for identity, order, version in ((b"c", 2, 0), (b"b", 1, 9), (b"a", 1, 8)):
        outbox.put(0, identity, owed(order, version=version))
    assert drain(outbox, 0, Lane("hook", 0)) == [b"a", b"b", b"c"]


def test_a_lane_has_one_delivery_under_way() -> None:
    outbox = Outbox()
    outbox.put(0, b"a", owed(1))
    outbox.put(0, b"b", owed(2))
    assert taken(outbox, 0) == [b"a"]
    assert taken(outbox, 0) == []
    assert outbox.next_due() is None
    outbox.release(Lane("hook", 0))
    assert taken(outbox, 0) == [b"b"]


def test_lanes_do_not_wait_for_each_other() -> None:
    outbox = Outbox()
    outbox.put(0, b"a", owed(1))
    outbox.put(1, b"b", owed(1))
    outbox.put(0, b"c", owed(1, subscription="other"))
    assert sorted(taken(outbox, 0)) == [b"a", b"b", b"c"]


def test_a_retry_that_waits_lets_later_events_pass() -> None:
    outbox = Outbox()
    outbox.put(0, b"retry", owed(1, due=30))
    outbox.put(0, b"later", owed(2))
    assert drain(outbox, 0, Lane("hook", 0)) == [b"later"]
    assert outbox.next_due() == 30
    assert taken(outbox, 30) == [b"retry"]


def test_a_pause_holds_all_lanes_of_its_subscription_and_no_other() -> None:
    outbox = Outbox()
    for partition, identity in ((0, b"a"), (1, b"b")):
        outbox.put(partition, identity, owed(1))
    outbox.put(0, b"free", owed(1, subscription="other"))
    outbox.pause("hook", 60)
    outbox.pause("hook", 50)
    assert taken(outbox, 59) == [b"free"]
    assert outbox.next_due() == 60
    assert sorted(taken(outbox, 60)) == [b"a", b"b"]


def test_the_same_delivery_is_queued_once() -> None:
    outbox = Outbox()
    outbox.put(0, b"a", owed(1))
    outbox.put(0, b"a", owed(1))
    assert len(outbox) == 1
    assert drain(outbox, 0, Lane("hook", 0)) == [b"a"]


def test_clearing_forgets_what_waits_but_not_what_is_under_way() -> None:
    outbox = Outbox()
    outbox.put(0, b"a", owed(1))
    outbox.put(0, b"b", owed(2))
    assert taken(outbox, 0) == [b"a"]
    outbox.clear()
    outbox.put(0, b"c", owed(3))
    assert len(outbox) == 1
    assert taken(outbox, 0) == []
    outbox.release(Lane("hook", 0))
    assert taken(outbox, 0) == [b"c"]
