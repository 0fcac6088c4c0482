"""What a sender writes is a valid event or a reason, never an exception, and is read the same in both modes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.codec import decode, decode_metered
from domain.rejection import Rejected
from domain.usage import UsageEvent

TIME = "2026-11-01T12:00:00.5+01:00"
DATA = {"tenant": "acme", "resource_type": "compute.cpu_seconds", "units": 12.5}
LLM = {"resource_type": "third_party.llm_tokens", "attributes": {"provider": "openai", "model": "gpt-4o"}}


def event(data: dict[str, Any] | None = None, **attributes: Any) -> bytes:
    head = {"specversion": "1.0", "id": "1", "source": "/s", "type": "costguard.usage.metered", "time": TIME}
    return orjson.dumps({**head, "data": data or DATA, **attributes})


@given(st.one_of(st.none(), st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_whatever_the_bytes_are_there_is_a_reason(value: bytes | None) -> None:
    read = decode(value)
    assert isinstance(read, Rejected)
    assert read.reason


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(["id", "source", "type", "time", "specversion", "data"]), json)
def test_an_attribute_of_any_shape_is_taken_or_rejected(name: str, value: Any) -> None:
    try:
        written = event(**{name: value})
    except TypeError:  # a whole number that the writer has no bits for
        return
    assert isinstance(decode(written), UsageEvent | Rejected)


@pytest.mark.parametrize("cut", range(0, 180, 7))
def test_a_truncated_event_is_rejected(cut: int) -> None:
    assert isinstance(decode(event()[:cut]), Rejected)


@pytest.mark.parametrize("text", ["0.1", "123456789012345678.123456789012345", "1e-18", "9e17", '"0.30"'])
def test_units_are_the_decimal_that_was_written(text: str) -> None:
    value = event().replace(b'"units":12.5', b'"units":' + text.encode())
    read = decode_metered(value)
    assert not isinstance(read, Rejected)
    assert read[2] == Decimal(text.strip('"'))


@pytest.mark.parametrize(
    ("units", "reason"),
    [
        ("-1", "not a finite number >= 0"),
        ('"NaN"', "not a finite number >= 0"),
        ('"Infinity"', "not a finite number >= 0"),
        ("1e18", "not between"),
        ("1e-19", "not between"),
        ("1e400", "units"),
        ("1.2345678901234567890123456789012345", "34 significant digits"),
        ("null", "missing"),
        ("true", "units"),
        ("[]", "units"),
    ],
)
def test_units_that_are_no_quantity_are_named(units: str, reason: str) -> None:
    read = decode(event().replace(b'"units":12.5', b'"units":' + units.encode()))
    assert isinstance(read, Rejected)
    assert reason in read.reason


@pytest.mark.parametrize(
    "time", ["2026-11-01", "2026-11-01T12:00:00", "yesterday", "1999-12-31T23:59:59Z", "2100-01-01T00:00:00Z", 1, None]
)
def test_a_time_without_offset_or_out_of_range_is_rejected(time: Any) -> None:
    assert isinstance(decode(event(time=time)), Rejected)


def test_a_time_with_offset_and_fraction_is_the_second_in_utc() -> None:
    read = decode_metered(event())
    assert not isinstance(read, Rejected)
    assert read[0] == 1_793_530_800


@pytest.mark.parametrize("resource_type", ["", "cpu", "compute.", "power.kwh", "compute.cpu seconds", "compute.CPU"])
def test_a_resource_type_is_driver_and_meter(resource_type: str) -> None:
    read = decode(event({**DATA, "resource_type": resource_type}))
    assert isinstance(read, Rejected)
    assert "resource_type" in read.reason


@pytest.mark.parametrize(
    "usage",
    [None, {}, {"input_tokens": 1, "tokens": 2}, {"input_tokens": -1}, {"input_tokens": 1.5}, {"cache_read_tokens": 5}],
)
def test_token_counts_are_whole_known_and_consistent(usage: Any) -> None:
    read = decode(event({**LLM, "usage": usage}))
    assert isinstance(read, Rejected) == (usage != {})


def test_binary_mode_says_the_same_as_structured_mode() -> None:
    attributes = {"specversion": "1.0", "id": "1", "source": "/s", "type": "costguard.usage.metered", "time": TIME}
    headers = [(f"ce_{name}", value.encode()) for name, value in attributes.items()]
    assert decode_metered(orjson.dumps(DATA), headers) == decode_metered(event())
    upper = [(name.upper(), value) for name, value in headers]
    assert decode_metered(orjson.dumps(DATA), upper) == decode_metered(event())


def test_headers_that_are_not_of_cloudevents_change_nothing() -> None:
    assert decode_metered(event(), [("traceparent", b"\xff\xfe")]) == decode_metered(event())


def test_a_binary_event_without_its_attributes_is_rejected() -> None:
    assert isinstance(decode(orjson.dumps(DATA), [("ce_specversion", b"1.0")]), Rejected)
    assert isinstance(decode(orjson.dumps(DATA), [("ce_specversion", b"\xff")]), Rejected)


@pytest.mark.parametrize("text", ["0e-200", "0e-9999999999", "0e999", "-0", "0.00"])
def test_a_zero_is_zero_however_it_is_written(text: str) -> None:
    read = decode_metered(event().replace(b'"units":12.5', b'"units":"' + text.encode() + b'"'))
    assert not isinstance(read, Rejected)
    assert str(read[2]) == "0"


def test_zeros_that_say_nothing_are_not_kept() -> None:
    read = decode_metered(event().replace(b'"units":12.5', b'"units":"1.' + b"0" * 200 + b'"'))
    assert not isinstance(read, Rejected)
    assert isinstance(read[2], Decimal)
    assert len(read[2].as_tuple().digits) <= 34


def test_a_call_has_no_more_tokens_than_sums_can_hold() -> None:
    value = event({**LLM, "usage": {"input_tokens": 1}})
    assert isinstance(decode(value.replace(b'"input_tokens":1', b'"input_tokens":1' + b"0" * 124)), Rejected)
    assert isinstance(decode(value.replace(b'"input_tokens":1', b'"input_tokens":1' + b"0" * 15)), UsageEvent)


def test_a_null_header_is_one_that_is_missing() -> None:
    attributes = {"specversion": "1.0", "id": "1", "source": "/s", "type": "costguard.usage.metered", "time": TIME}
    headers: list[tuple[str, bytes | None]] = [(f"ce_{name}", value.encode()) for name, value in attributes.items()]
    assert isinstance(decode(orjson.dumps(DATA), [*headers, ("ce_subject", None)]), UsageEvent)
    assert isinstance(decode(orjson.dumps(DATA), [*headers[:-1], ("ce_time", None)]), Rejected)


@pytest.mark.parametrize("name", ["provider", "model", "region", "batch", "account"])
def test_attributes_are_as_long_as_names(name: str) -> None:
    assert isinstance(decode(event({**DATA, "attributes": {name: "a" * 256}})), UsageEvent)
    assert isinstance(decode(event({**DATA, "attributes": {name: "a" * 257}})), Rejected)


@pytest.mark.parametrize(
    ("time", "second"),
    [
        ("2026-11-30T23:59:59.9999999Z", -1),
        ("2026-11-30T23:59:59.99999951+00:00", -1),
        ("2026-11-30T23:59:59.9999994Z", -1),
        ("2026-11-30T23:59:58.9999999Z", -1),
        ("2026-12-01T00:00:00Z", 0),
        ("2026-12-01T00:00:00.0000001Z", 0),
    ],
)
def test_a_fraction_of_a_second_puts_no_event_into_another_month(time: str, second: int) -> None:
    december = 1_796_083_200
    data = {"tenant": ":59.9999999", "resource_type": "compute.requests", "units": 1}
    envelope = {"specversion": "1.0", "id": "1", "source": "/s", "type": "costguard.usage.metered", "time": time}
    read = decode_metered(orjson.dumps(envelope | {"data": data}))
    assert not isinstance(read, Rejected)
    headers = [(f"ce_{name}", text.encode()) for name, text in envelope.items()]
    binary = decode_metered(orjson.dumps(data), headers)
    assert not isinstance(binary, Rejected)
    assert read[0] == binary[0] == december + second


def test_another_member_that_is_a_time_moves_no_event() -> None:
    december = 1_796_083_200
    data = {"tenant": "acme", "resource_type": "compute.requests", "units": 1, "note": {"time": "x:59.9999999"}}
    envelope = {"specversion": "1.0", "id": "1", "source": "/s", "type": "costguard.usage.metered"}
    read = decode_metered(orjson.dumps({**envelope, "time": "2026-12-01T00:00:00Z", "data": data}))
    assert not isinstance(read, Rejected)
    assert read[0] == december
