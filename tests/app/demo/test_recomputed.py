"""The second opinion counts each valid event once."""

from __future__ import annotations

from decimal import Decimal

import pytest

from app.demo.recomputed import Recomputed
from app.sample import Emission, Trouble
from domain.pricing import PriceBook

GPT = b"""{"specversion":"1.0","id":"%s","source":"/s","type":"costguard.usage.metered",
"time":"2026-10-01T00:00:00Z",
"data":{"tenant":"acme","resource_type":"third_party.llm_tokens","attributes":{"provider":"openai","model":"%s"},
"usage":{"input_tokens":1000,"output_tokens":100}}}"""


def emission(event_id: bytes, model: bytes = b"gpt-4o", trouble: Trouble = Trouble.NONE) -> Emission:
    return Emission(GPT % (event_id, model), event_id, trouble)


@pytest.fixture
def expected() -> Recomputed:
    return Recomputed(PriceBook.load())


def test_prices_are_exact_and_a_missing_label_is_unattributed(expected: Recomputed) -> None:
    expected.add(emission(b"1"))
    assert expected.amounts == {("acme", "unattributed"): Decimal("0.0035")}
    assert expected.by(0) == {"acme": expected.total}


def test_late_counts_duplicates_and_broken_ones_do_not(expected: Recomputed) -> None:
    expected.add(emission(b"1"))
    expected.add(emission(b"1", trouble=Trouble.DUPLICATE))
    expected.add(emission(b"2", trouble=Trouble.LATE))
    expected.add(Emission(b"rubbish", b"3", Trouble.MALFORMED))
    assert (expected.records, expected.events, expected.total) == (4, 2, Decimal("0.007"))


def test_what_has_no_price_is_counted_not_priced_at_zero(expected: Recomputed) -> None:
    expected.add(emission(b"1", model=b"nobody-knows-it"))
    assert (expected.unpriced, expected.amounts) == (1, {})
