"""How many users a tenant had, as an event of its own: usage of a meter that costs nothing."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from domain.codec import decode_metered
from domain.pricing import PriceBook
from domain.rejection import Rejected
from domain.usage import ACTIVE_USERS, NO_ATTRIBUTES

EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "acme/2026-11-02",
    "source": "/accounts",
    "type": "costguard.tenant.activity",
    "time": "2026-11-02T23:00:00Z",
    "data": {"tenant": "acme", "users": 41},
}


def encoded(**data: Any) -> bytes:
    return json.dumps(EVENT | {"data": EVENT["data"] | data}).encode()


@pytest.mark.parametrize("users", [41, "41", 41.0])
def test_activity_is_usage_of_the_meter_of_active_users(users: object) -> None:
    read = decode_metered(encoded(users=users))
    assert not isinstance(read, Rejected), read.reason
    _, event, quantity = read
    assert (event.data.tenant, event.data.resource_type, quantity) == ("acme", ACTIVE_USERS, Decimal(41))
    assert (event.id, event.source) == (EVENT["id"], EVENT["source"])


def test_binary_mode_is_read_too() -> None:
    headers = [(f"ce_{name}", value.encode()) for name, value in EVENT.items() if name != "data"]
    read = decode_metered(json.dumps(EVENT["data"]).encode(), headers)
    assert not isinstance(read, Rejected), read.reason
    assert read[2] == 41


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ({"tenant": ""}, "tenant"),
        ({"users": None}, "users"),
        ({"users": -1}, "units"),
        ({"users": "many"}, "users"),
    ],
)
def test_activity_that_says_nothing_is_rejected_with_what_is_wrong(data: dict[str, Any], why: str) -> None:
    read = decode_metered(encoded(**data))
    assert isinstance(read, Rejected)
    assert why in read.reason


def test_an_event_of_another_type_is_rejected_as_before() -> None:
    read = decode_metered(json.dumps(EVENT | {"type": "another"}).encode())
    assert isinstance(read, Rejected)
    assert read.reason.startswith("not a usage event")


def test_users_cost_nothing_and_are_not_unpriced() -> None:
    quote = PriceBook.load(()).quote(ACTIVE_USERS, NO_ATTRIBUTES, 1_790_000_000)
    assert quote is not None
    assert quote.rates[0] == 0
