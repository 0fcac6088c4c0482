from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.budgets import Budget, DeleteBudget, SetBudget, command_event, define, parse_command, structured
from domain.rejection import Rejected
from domain.scope import parse_filter

SET = "costguard.budget.set"


def event(data: Any, kind: str = SET, **changes: Any) -> bytes:
    return orjson.dumps({"specversion": "1.0", "id": "1", "source": "/t", "type": kind, "data": data, **changes})


def test_a_set_command_carries_the_body_and_its_scope() -> None:
    command = parse_command(event({"scope": "feature=x,tenant=acme", "limit": "80.10"}), (), "USD")
    assert isinstance(command, SetBudget)
    assert isinstance(command.budget, Budget)
    assert str(command.scope) == "tenant=acme,feature=x"
    assert str(command.budget.limit) == "80.1"


def test_a_delete_command_carries_a_scope() -> None:
    command = parse_command(event({"scope": "all"}, "costguard.budget.deleted"), (), "USD")
    assert command == DeleteBudget(parse_filter("all"))


def test_binary_mode_is_read_too_and_can_be_sent_on() -> None:
    headers = [("ce_specversion", b"1.0"), ("ce_type", SET.encode()), ("ce_id", b"1"), ("ce_source", b"/t")]
    value = orjson.dumps({"scope": "tenant=acme", "limit": 80, "thresholds": [0.7]})
    command = parse_command(value, headers, "USD")
    assert isinstance(command, SetBudget)
    assert parse_command(structured(value, headers), (), "USD") == command


@pytest.mark.parametrize(
    "body",
    [
        {"limit": "0.000000000000000001"},
        {"limit": "80", "name": "n", "period": "week", "week_start": "sunday", "basis": "billed"},
        {"limit": 1, "timezone": "Asia/Tokyo", "flags": [{"key": "k", "at": 0.333, "variant": "v"}]},
        {"limit": 1, "thresholds": [n / 20 for n in range(1, 21)]},
    ],
)
def test_what_is_sent_is_read_back(body: dict[str, Any]) -> None:
    budget = define(parse_filter("tenant=acme,team=x"), body, "EUR")
    assert isinstance(budget, Budget)
    for command in (SetBudget(budget), DeleteBudget(budget.scope)):
        assert parse_command(command_event(command, agent="api", now=1), (), "EUR") == command


def test_numbers_in_json_are_read_as_they_are_written() -> None:
    raw = b'{"specversion":"1.0","type":"%s","data":{"scope":"all","limit":0.1,"thresholds":[0.1]}}' % SET.encode()
    command = parse_command(raw, (), "USD")
    assert isinstance(command, SetBudget)
    assert str(command.budget.limit) == "0.1"


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b"[" * 100_000,
        event({}),
        event({"scope": {"tenant": "acme"}}),
        event({"scope": "tenant"}),
        event({"scope": "planet=mars", "limit": "1"}),
        event({"scope": "all"}),
        event({"scope": "all", "limit": "1", "lmit": 1}),
        event({"scope": "all", "limit": "1"}, "costguard.budget.renamed"),
        event({"scope": "all", "limit": "1"}, specversion="0.3"),
        event("scope"),
    ],
)
def test_a_command_that_cannot_be_read_says_why(value: bytes | None) -> None:
    command = parse_command(value, (), "USD")
    assert isinstance(command, Rejected)
    assert command.reason


@given(st.binary(max_size=200))
def test_no_bytes_raise(value: bytes) -> None:
    assert isinstance(parse_command(value, (), "USD"), Rejected)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)
FIELDS = st.sampled_from(["scope", "limit", "thresholds", "flags", "name", "timezone", "period"])


@given(st.dictionaries(FIELDS, ANYTHING))
def test_no_json_raises(data: dict[str, Any]) -> None:
    try:
        value = event({"scope": "all", **data})
    except TypeError:  # more than JSON's writer can write
        return
    assert isinstance(parse_command(value, (), "USD"), Rejected | SetBudget)


def test_a_header_without_a_value_is_as_one_that_is_not_there() -> None:
    value = orjson.dumps({"scope": "tenant=acme", "limit": 80})
    headers: list[tuple[str, Any]] = [("ce_specversion", b"1.0"), ("ce_type", SET.encode()), ("ce_id", None)]
    command = parse_command(value, headers, "USD")
    assert isinstance(command, SetBudget)
    assert parse_command(structured(value, headers), (), "USD") == command
    for missing in ("ce_specversion", "ce_type"):
        without = [(name, None if name == missing else text) for name, text in headers]
        assert isinstance(parse_command(value, without, "USD"), Rejected)


NAMES = st.sampled_from(["ce_specversion", "ce_type", "ce_id", "ce_data", "CE_TYPE"]) | st.text()
TEXTS = st.none() | st.binary() | st.sampled_from([b"1.0", SET.encode()])
NUMBERS = st.decimals().map(str) | st.sampled_from(["1e999999999", "1e99999999999999999999", "0e-9999999999", "sNaN"])


@given(st.lists(st.tuples(NAMES, TEXTS)), st.sampled_from([b"{}", b'{"scope":"all","limit":1}']) | st.binary())
def test_no_headers_raise(headers: list[tuple[str, Any]], value: bytes) -> None:
    assert isinstance(parse_command(value, headers, "USD"), Rejected | SetBudget)


@given(NUMBERS, NUMBERS)
def test_no_numbers_raise(limit: str, share: str) -> None:
    for text in ('"{}"', "{}"):
        body = f'{{"scope":"all","limit":{text.format(limit)},"thresholds":[{text.format(share)}]}}'
        raw = f'{{"specversion":"1.0","type":"{SET}","data":{body}}}'.encode()
        assert isinstance(parse_command(raw, (), "USD"), Rejected | SetBudget)
