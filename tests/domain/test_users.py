"""Distinct users: whoever tells of them, in whatever order and how often, the number is the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import totals
from domain.users import MAX_KNOWN, MENTION, Counted, Newcomers, Seen, count, user_of
from domain.windows import DAY

USERS = st.lists(st.integers(0, 2**63 - 1), max_size=60)


def event(**attributes: Any) -> bytes:
    return json.dumps({"id": "1", "data": {"tenant": "acme", "attributes": attributes}}).encode()


@pytest.mark.parametrize(
    ("value", "user"),
    [
        (event(user="ann"), "ann"),
        (event(user=7, model="user"), "7"),
        (json.dumps({"attributes": {"user": "ann"}}).encode(), "ann"),
        (event(model="user"), None),
        (event(user=None), None),
        (event(user=""), None),
        (event(user={"id": 1}), None),
        (b'{"data": {"attributes": "user"}}', None),
        (b'"user"', None),
        (b"\xff", None),
    ],
)
def test_a_user_is_read_where_an_event_names_one(value: bytes, user: str | None) -> None:
    assert user_of(value) == user
    assert user is None or MENTION in value


def test_who_came_is_told_once_a_day_and_tenant() -> None:
    newcomers = Newcomers()
    for time, tenant, user in [(5, "acme", "ann"), (9, "acme", "ann"), (9, "acme", "bob"), (5, "globex", "ann")]:
        newcomers.see(DAY + time, tenant, user)
    first = newcomers.take(0)
    assert [(seen.day, seen.tenant, len(seen.users)) for seen in first] == [(DAY, "acme", 2), (DAY, "globex", 1)]
    newcomers.see(DAY, "acme", "bob")
    newcomers.see(2 * DAY, "acme", "bob")
    assert newcomers.take(0) == [Seen(2 * DAY, "acme", first[0].users[1:])]
    assert newcomers.take(0) == []


def test_of_days_that_are_counted_no_longer_nobody_is_told() -> None:
    newcomers = Newcomers()
    newcomers.see(DAY, "acme", "ann")
    newcomers.see(2 * DAY, "acme", "ann")
    assert [seen.day for seen in newcomers.take(2 * DAY)] == [2 * DAY]


def test_who_was_forgotten_is_told_again_and_memory_is_bounded() -> None:
    newcomers = Newcomers()
    for day in range(3):
        for number in range(MAX_KNOWN // 2):
            newcomers.see(day * DAY, "acme", str(number))
        newcomers.take(0)
    newcomers.see(0, "acme", "0")
    newcomers.see(2 * DAY, "acme", "0")
    assert [seen.day for seen in newcomers.take(0)] == [0]


@given(st.lists(st.tuples(st.sampled_from(["acme", "globex"]), USERS), max_size=8), st.randoms())
def test_neither_order_nor_repeats_nor_parts_change_the_number(told: list[tuple[str, list[int]]], random: Any) -> None:
    def numbers(parts: list[tuple[str, list[int]]]) -> dict[str, int]:
        found: dict[str, Counted] = {}
        for version, (tenant, users) in enumerate(parts):
            found[tenant] = count(found.get(tenant), users, version)
        return {tenant: counted.users for tenant, counted in found.items()}

    again = told + [(tenant, users[::-1]) for tenant, users in told]
    random.shuffle(again)
    assert numbers(again) == numbers(told)
    assert numbers(told) == {
        tenant: len({user for name, users in told for user in users if name == tenant}) for tenant, _ in told
    }


def test_what_is_known_is_the_same_sketch() -> None:
    known = count(None, [1, 2, 3], version=4)
    assert count(known, [3, 1], version=9) is known
    assert count(known, [5], version=9).version == 9


@pytest.mark.parametrize("users", [300, 5_000, 200_000])
def test_many_are_counted_within_four_percent_in_two_kilobytes(users: int) -> None:
    newcomers = Newcomers()
    counted = None
    for at in range(0, users, 10_000):
        for number in range(at, min(users, at + 10_000)):
            newcomers.see(0, "acme", f"user-{number}@example.com")
        for seen in newcomers.take(0):
            counted = count(counted, seen.users, version=at)
    assert counted is not None
    assert abs(counted.users - users) <= users * 0.04
    assert len(counted.sketch) <= 2_200


def test_packets_carry_all_users_to_the_owners_of_their_tenants(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(totals, "MAX_PACKET_USERS", 10)
    monkeypatch.setattr(totals, "MAX_PACKET_CELLS", 3)
    told = [Seen(0, f"tenant-{number}", list(range(number))) for number in range(1, 25)]
    packets = totals.pack_seen("metered", 4, 77, told, 3)
    found: dict[str, list[int]] = {}
    for owner, spelled in packets:
        packet = totals.decode_packet(spelled)
        assert (packet.partition, packet.offset, packet.watermark, packet.totals) == (4, 77, 0, [])
        assert len(packet.seen) <= 3
        assert sum(len(seen.users) for seen in packet.seen) <= 10
        for seen in packet.seen:
            assert totals.owner_of(seen.tenant, 3) == owner
            found.setdefault(seen.tenant, []).extend(seen.users)
    assert found == {seen.tenant: seen.users for seen in told}
