"""The book as a whole: remembered prices are the right ones, ids are unique, sums do not depend on order."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from domain.money import EXACT
from domain.pricing import PriceBook, Quote, book, disjoint
from domain.rejection import Rejected
from domain.usage import LLM_TOKENS, Attributes, TokenUsage

if TYPE_CHECKING:
    from random import Random

    import pytest

OWN = [
    {"resource_type": "compute.requests", "price": "1", "unit": "request", "effective_from": "2025-03-01T12:30:00Z"},
    {"resource_type": "compute.requests", "price": "2", "unit": "request", "effective_from": "2026-03-01"},
    {
        "resource_type": "compute.requests",
        "price": "3",
        "unit": "request",
        "provider": "aws",
        "effective_from": "2026-09-09",
    },
    {
        "resource_type": LLM_TOKENS,
        "provider": "deepseek",
        "model": "deepseek-v4-flash",
        "input": "1",
        "effective_from": "2026-10-10T02:30:00Z",
    },
]
BOOK = PriceBook.load(OWN)
KINDS = [
    ("compute.requests", Attributes(provider="aws")),
    ("compute.requests", Attributes()),
    ("compute.requests", Attributes(provider="gcp", region="r")),
    ("storage.gb_months", Attributes(provider="aws", snapshot=True)),
    ("storage.gb_months", Attributes(storage_class="wormhole")),
    ("third_party.seats", Attributes()),
    *(
        (LLM_TOKENS, Attributes(provider=provider, model=model, batch=batch))
        for batch in (None, True)
        for provider, model in [
            ("openai", "gpt-4o"),
            ("openai", "nonesuch"),
            ("google", "gemini-2.5-pro"),
            ("deepseek", "deepseek-chat"),
            ("deepseek", "deepseek-v4-flash"),
            ("deepseek", "deepseek-v4-pro"),
            ("anthropic", "claude-sonnet-4-5"),
            ("x-ai", "grok-4.3"),
        ]
    ),
]
TIMES = st.integers(1_672_531_200, 1_830_297_600)  # 2023 to 2027
EDGES = st.sampled_from(
    [
        base + day + delta
        for base in (1_740_832_200, 1_772_323_200, 1_788_912_000, 1_791_599_400, 1_786_924_800, 1_788_998_400)
        for day in (0, 1800, 3600, 14_400, 21_600, 36_000, 59_400)
        for delta in (-1, 0, 1)
    ]
)


@given(
    st.sampled_from(KINDS),
    st.one_of(TIMES, EDGES),
    st.one_of(st.integers(0, 10**6), st.sampled_from([200_000, 200_001])),
)
def test_a_remembered_price_is_the_one_worked_out_at_that_time(
    kind: tuple[str, Attributes], at: int, tokens: int
) -> None:
    resource_type, attributes = kind
    remembered = BOOK.quote(resource_type, attributes, at, tokens)
    assert remembered == BOOK.slot(resource_type, attributes, at).quote(tokens)
    assert BOOK.quote(resource_type, attributes, at, tokens) is remembered


@given(st.lists(st.tuples(st.sampled_from(KINDS), TIMES, st.integers(0, 10**6)), min_size=2, max_size=30))
def test_quotes_with_different_rates_never_share_an_id(asked: list[tuple[tuple[str, Attributes], int, int]]) -> None:
    rates = defaultdict(set)
    for (resource_type, attributes), at, tokens in asked:
        quote = BOOK.quote(resource_type, attributes, at, tokens)
        if quote is not None:
            rates[quote.id].add(quote.rates)
    assert all(len(each) == 1 for each in rates.values())


def amount(quote: Quote, counts: list[int]) -> Decimal:
    return sum((rate * count for rate, count in zip(quote.rates, counts, strict=True)), Decimal(0))


CALLS = st.lists(
    st.tuples(
        st.sampled_from(["gpt-4o", "gpt-5", "gpt-4o-mini"]),
        st.builds(
            TokenUsage,
            input_tokens=st.integers(1000, 10**6),
            cache_read_tokens=st.integers(0, 1000),
            output_tokens=st.integers(100, 10**5),
            reasoning_tokens=st.integers(0, 100),
        ),
    ),
    min_size=1,
    max_size=30,
)


@given(CALLS, st.randoms(use_true_random=False))
def test_the_sum_does_not_depend_on_order_or_grouping(calls: list[tuple[str, TokenUsage]], random: Random) -> None:
    def priced(model: str, counts: list[int]) -> Decimal:
        quote = BOOK.quote(LLM_TOKENS, Attributes(provider="openai", model=model), 1_793_664_000)
        assert quote is not None
        return amount(quote, counts)

    with localcontext(EXACT):
        singly = Decimal(0)
        grouped: dict[str, list[int]] = {}
        for model, usage in calls:
            counts = disjoint(usage)
            assert not isinstance(counts, Rejected)
            singly += priced(model, list(counts))
            grouped[model] = [old + new for old, new in zip(grouped.get(model, [0] * len(counts)), counts, strict=True)]
        shuffled = list(grouped.items())
        random.shuffle(shuffled)
        assert sum((priced(model, counts) for model, counts in shuffled), Decimal(0)) == singly


def test_made_up_names_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book, "MAX_PLANS", 10)
    prices = PriceBook.load()
    for number in range(25):
        prices.quote("compute.cpu_seconds", Attributes(region=f"r{number}"), 0)
        prices.quote("compute.cpu_seconds", Attributes(region="x" * 5_000 + str(number)), 0)
        prices.quote(f"compute.made_up_{number}", Attributes(), 0)
    kept = [attributes for plans in prices._plans.values() for attributes in plans]
    assert 0 < len(kept) <= 10
    assert all(len(each.region or "") < 10 for each in kept)
    assert not any(meter.startswith("compute.made_up") for meter in prices._plans)


def test_the_log_can_be_read_by_people() -> None:
    rows = BOOK.describe()
    assert rows[0]["effective_from"] == "2025-03-01T12:30:00Z"
    assert rows[0]["source"] == "configuration"
    snapshots = [row for row in rows if row["selectors"] == "storage_class=snapshot"]
    assert [row["rates"] for row in snapshots] == ["x 1.5"]
