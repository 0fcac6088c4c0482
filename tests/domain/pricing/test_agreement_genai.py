"""Every model of genai-prices costs here what that package works out itself, whatever the date and size."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal, localcontext

import pytest
from genai_prices import Usage
from genai_prices.data import providers
from genai_prices.data_snapshot import DataSnapshot
from hypothesis import given
from hypothesis import strategies as st

from domain.money import EXACT
from domain.pricing import PriceBook, disjoint
from domain.rejection import Rejected
from domain.usage import LLM_TOKENS, Attributes, TokenUsage

BOOK = PriceBook.load()
SNAPSHOT = DataSnapshot(providers=providers, from_auto_update=False)
MODELS = [(provider.id, model.id) for provider in providers for model in provider.models]
TEXT = TokenUsage(input_tokens=1500, output_tokens=400, cache_read_tokens=300, cache_write_tokens=200)
LONG = TokenUsage(input_tokens=2_000_000, output_tokens=9_000, cache_read_tokens=77)
RICH = TokenUsage(
    input_tokens=9_000,
    output_tokens=4_000,
    cache_read_tokens=3_000,
    cache_write_tokens=2_000,
    cache_write_1h_tokens=500,
    input_audio_tokens=700,
    cache_audio_read_tokens=100,
    output_audio_tokens=600,
    reasoning_tokens=900,
)
NAMES = {"reasoning_tokens": "output_reasoning_tokens"}


def theirs(provider: str, model: str, usage: TokenUsage, at: int) -> Decimal | None:
    """Return the package's own price; None where it does not find a model by its own id."""
    counts = {NAMES.get(name, name): getattr(usage, name) for name in usage.__struct_fields__}
    reported = Usage(**{name: count for name, count in counts.items() if count})
    moment = datetime.fromtimestamp(at, UTC)
    with localcontext(EXACT), suppress(LookupError):
        return SNAPSHOT.calc(reported, model, provider, None, moment).total_price
    return None


def ours(provider: str, model: str, usage: TokenUsage, at: int) -> Decimal | None:
    quote = BOOK.quote(LLM_TOKENS, Attributes(provider=provider, model=model), at, usage.input_tokens)
    counts = disjoint(usage)
    assert not isinstance(counts, Rejected)
    with localcontext(EXACT):
        return quote and sum((rate * count for rate, count in zip(quote.rates, counts, strict=True)), Decimal(0))


@pytest.mark.parametrize("usage", [TEXT, LONG, RICH], ids=["text", "long", "rich"])
@pytest.mark.parametrize("at", [1_700_092_800, 1_762_128_000, 1_793_664_000], ids=["2023", "2025", "2026"])
def test_all_models_cost_what_genai_prices_says(usage: TokenUsage, at: int) -> None:
    compared = 0
    for provider, model in MODELS:
        mine = ours(provider, model, usage, at)
        if mine is None:
            continue
        assert mine == theirs(provider, model, usage, at), (provider, model)
        compared += 1
    assert compared > 2_000


def test_what_is_unpriced_here_is_nothing_there() -> None:
    silent = [each for each in MODELS if ours(*each, TEXT, 1_793_664_000) is None]
    assert silent
    assert {theirs(*each, TEXT, 1_793_664_000) for each in silent} == {None, Decimal(0)}


@given(
    st.sampled_from(MODELS),
    st.integers(1_672_531_200, 1_830_297_600),
    st.integers(0, 1_200_000),
    st.integers(0, 100_000),
)
def test_any_model_at_any_time_and_size_costs_what_genai_prices_says(
    model: tuple[str, str], at: int, tokens: int, answer: int
) -> None:
    usage = TokenUsage(input_tokens=tokens, output_tokens=answer, cache_read_tokens=tokens // 3)
    assert ours(*model, usage, at) in (None, theirs(*model, usage, at))
