"""A mistake in `[[prices]]` is one sentence that names the key; what is right is read exactly."""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from domain.pricing.parsing import parse_entries

CPU = {"resource_type": "compute.cpu_seconds", "price": "0.36", "unit": "cpu_hour"}
LLM = {"resource_type": "third_party.llm_tokens", "model": "own", "input": "1", "output": "2"}
RESERVED = {"resource_type": "compute.cpu_seconds", "purchase": "reserved", "unit": "cpu_hour"}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({**CPU, "unit": "cpu_huor"}, r"prices\[0\]\.unit: 'cpu_huor' is not a known unit; did you mean cpu_hour\?"),
        (
            {**CPU, "unit": "calls_per_moon"},
            r"prices\[0\]\.unit: 'calls_per_moon' is not a known unit; known are request, .*, gib, .*_month",
        ),
        ({**CPU, "unit": "gib"}, r"prices\[0\]\.unit: measures bytes, the meter counts cpu times"),
        ({"resource_type": "compute.cpu_seconds", "price": "1"}, r"prices\[0\]\.unit: missing"),
        ({**CPU, "price": 0.36}, r'prices\[0\]\.price: write it as a string, "0\.36"'),
        ({**CPU, "price": "free"}, r"prices\[0\]\.price: 'free' is not a decimal number"),
        ({**CPU, "price": "NaN"}, r"prices\[0\]\.price: 'NaN' is not a finite number"),
        ({**CPU, "price": "-1"}, r"prices\[0\]\.price: must be from 0"),
        ({**CPU, "price": "1e10"}, r"prices\[0\]\.price: must be from 0"),
        ({**CPU, "price": "1e-19"}, r"prices\[0\]\.price: must be from 0"),
        ({**CPU, "price": True}, r"prices\[0\]\.price: must be a decimal number"),
        ({**CPU, "currency": "EUR"}, r"prices\[0\]\.currency: 'EUR' is not the reporting currency USD"),
        ({**CPU, "provder": "aws"}, r"prices\[0\]\.provder: is not a key of this price; did you mean provider\?"),
        ({**CPU, "model": "gpt-4o"}, r"prices\[0\]\.model: is not a key of this price"),
        ({**CPU, "provider": ""}, r"prices\[0\]\.provider: must be a string"),
        ({**CPU, "resource_type": "cpu"}, r"prices\[0\]\.resource_type: 'cpu' is not <driver>\.<meter>"),
        ({"price": "1", "unit": "gb"}, r"prices\[0\]\.resource_type: missing"),
        ({**CPU, "effective_from": "soon"}, r"prices\[0\]\.effective_from: 'soon' is not an RFC 3339 time"),
        ({**CPU, "effective_from": "2026-01-01T00:00:00"}, r"prices\[0\]\.effective_from: .* no UTC offset"),
        ({**CPU, "effective_from": 2026}, r"prices\[0\]\.effective_from: must be a date"),
        ({**CPU, "multiplier": "1001"}, r"prices\[0\]\.multiplier: must be 1000 at most"),
        (
            {"resource_type": "storage.gb_months", "multiplier": "2"},
            r"prices\[0\]\.multiplier: needs a price, or a sel",
        ),
        ({**RESERVED, "upfront": "100"}, r"prices\[0\]\.term_hours: missing"),
        ({**RESERVED, "upfront": "1", "term_hours": 0}, r"prices\[0\]\.term_hours: must be more than 0"),
        ({**RESERVED, "hourly": "1", "price": "1"}, r"prices\[0\]\.price: excludes hourly"),
        ({**RESERVED, "hourly": "1", "unit": "cpu_second"}, r"prices\[0\]\.unit: must be an hour"),
        ({"resource_type": "third_party.llm_tokens", "input": "1"}, r"prices\[0\]\.model: missing"),
        ({"resource_type": "third_party.llm_tokens", "model": "m"}, r"prices\[0\]\.input: missing"),
        ({**LLM, "unit": "request"}, r"prices\[0\]\.unit: measures requests, the meter counts tokens"),
        ({**LLM, "cache_raed": "1"}, r"prices\[0\]\.cache_raed: .* did you mean cache_read\?"),
    ],
)
def test_a_mistake_is_one_sentence_that_names_the_key(table: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        parse_entries([table], currency="USD")


def test_the_key_names_which_price_it_is() -> None:
    with pytest.raises(ValueError, match=r"^prices\[1\]\.unit: "):
        parse_entries([CPU, {**CPU, "provider": "aws", "unit": "parsec"}], currency="USD")


def test_two_prices_for_the_same_usage_and_date_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^prices\[1\]: is for the same usage and date as prices\[0\]"):
        parse_entries([CPU, {**CPU, "price": "9"}], currency="USD")


@pytest.mark.parametrize(
    "written",
    [
        "2026-01-01",
        "2026-01-01T00:00:00Z",
        "2026-01-01T02:00:00+02:00",
        date(2026, 1, 1),
        datetime(2026, 1, 1, tzinfo=UTC),
        tomllib.loads("at = 2026-01-01")["at"],
        tomllib.loads("at = 2026-01-01T01:00:00+01:00")["at"],
    ],
)
def test_a_date_is_midnight_utc_however_it_is_written(written: object) -> None:
    (entry,) = parse_entries([{**CPU, "effective_from": written}], currency="USD")
    assert entry.since == int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())


def test_a_reservation_is_its_upfront_part_by_hour_plus_its_hourly_part() -> None:
    table = {**RESERVED, "upfront": "876", "term_hours": 8760, "hourly": "0.26"}
    (entry,) = parse_entries([table], currency="USD")
    assert entry.rates == (Decimal("0.0001"),)


def test_classes_without_a_price_of_their_own_get_the_nearest() -> None:
    (entry,) = parse_entries([{**LLM, "cache_write": "1.25", "request": "0.005"}], currency="USD")
    per_token = [rate * 10**6 for rate in entry.rates[:-1]]
    assert per_token == [Decimal(each) for each in ("1", "1", "1.25", "1.25", "1.25", "1", "1", "2", "2", "2")]
    assert entry.rates[-1] == Decimal("0.005")
