"""List prices agree within 1 % with a second, independent price sheet, where both have a flat price."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from domain.pricing import TOKEN_CLASSES, PriceBook
from domain.usage import LLM_TOKENS, Attributes

SHEET = Path(__file__).parents[4] / "shared/data/llm_prices_litellm/model_prices_and_context_window.json"
NOVEMBER = 1_793_664_000
BOOK = PriceBook.load()
PROVIDERS = {"openai": "openai", "anthropic": "anthropic", "gemini": "google", "groq": "groq", "cerebras": "cerebras"}
# The sheet has the price of the model itself; genai-prices takes the name for one of a family.
DISPUTED = {"gemini-3.8-flash-cyber"}


def flat(name: str, row: dict[str, Any]) -> bool:
    tiered = any("_above_" in key and "_tokens" in key for key in row) or "tiered_pricing" in row
    priced = row.get("input_cost_per_token") and row.get("output_cost_per_token")
    return bool(row.get("mode") == "chat" and priced and not tiered and name not in DISPUTED)


@pytest.mark.skipif(not SHEET.exists(), reason=f"{SHEET} is not here")
@pytest.mark.parametrize("owner", PROVIDERS)
def test_flat_list_prices_agree_with_litellm_within_one_percent(owner: str) -> None:
    compared = 0
    for key, row in json.loads(SHEET.read_text(), parse_float=Decimal).items():
        name = key.removeprefix(f"{owner}/")
        if row.get("litellm_provider") != owner or not flat(name, row):
            continue
        attributes = Attributes(provider=PROVIDERS[owner], model=name)
        quote = BOOK.quote(LLM_TOKENS, attributes, NOVEMBER)
        if quote is None or BOOK.tiers(LLM_TOKENS, attributes, NOVEMBER):
            continue
        for token, column in (("input", "input_cost_per_token"), ("output", "output_cost_per_token")):
            expected = Decimal(str(row[column]))
            assert abs(quote.rates[TOKEN_CLASSES.index(token)] - expected) <= expected / 100, (name, token)
        compared += 1
    assert compared >= 5
