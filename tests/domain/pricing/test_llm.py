"""Prices of LLM tokens: dates, hours, context tiers, variants, and one's own prices."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from domain.pricing import TOKEN_CLASSES, PriceBook, Quote
from domain.usage import LLM_TOKENS, Attributes

BOOK = PriceBook.load()
GPT_4O: dict[str, Any] = {"provider": "openai", "model": "gpt-4o"}
OWN = {"resource_type": LLM_TOKENS, "provider": "openai", "model": "gpt-4o", "input": "2", "output": "8"}


def when(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


NOVEMBER = when("2026-11-03")


def quote(book: PriceBook = BOOK, at: int = NOVEMBER, tokens: int = 0, **attributes: Any) -> Quote | None:
    return book.quote(LLM_TOKENS, Attributes(**attributes), at, tokens)


def prices(found: Quote | None, *names: str) -> list[str]:
    """Return the prices per million tokens of some classes."""
    assert found is not None
    return [f"{(found.rates[TOKEN_CLASSES.index(name)] * 10**6).normalize():f}" for name in names]


@pytest.mark.parametrize("day", ["2023-11-16", "2026-11-03"])
def test_gpt_4o_costs_the_same_before_it_existed_and_today(day: str) -> None:
    found = quote(at=when(day), **GPT_4O)
    assert prices(found, "input", "cache_read", "output", "reasoning") == ["2.5", "1.25", "10", "10"]
    assert found is not None
    assert found.id.startswith("openai/gpt-4o@base")


def test_an_unknown_model_is_unpriced_not_free() -> None:
    assert quote(provider="openai", model="no-such-model") is None
    assert quote(provider="no-such-provider", model="gpt-4o") is None
    assert quote() is None


def test_a_cloud_serves_models_under_the_name_its_other_meters_have() -> None:
    assert quote(provider="gcp", model="gemini-2.5-pro") == quote(provider="google", model="gemini-2.5-pro")


def test_a_model_without_any_token_price_is_unpriced_unless_its_name_says_free() -> None:
    assert quote(provider="openai", model="whisper-1") is None
    assert quote(provider="cerebras", model="qwen-3-coder-480b") is None
    free = quote(provider="openrouter", model="deepseek/deepseek-r1:free")
    assert free is not None
    assert set(free.rates) == {Decimal(0)}


@pytest.mark.parametrize("tier", [None, "", "standard", "default", "auto", "Default", "on_demand"])
def test_names_of_the_standard_tier_cost_the_standard_price(tier: str | None) -> None:
    assert quote(service_tier=tier, batch="false", **GPT_4O) == quote(**GPT_4O)


@pytest.mark.parametrize(
    "asked", [{"batch": True}, {"batch": "true"}, {"batch": "batch_68f0"}, {"service_tier": "batch"}]
)
def test_a_batch_costs_its_own_price(asked: dict[str, Any]) -> None:
    assert prices(quote(**GPT_4O, **asked), "input", "output") == ["1.25", "5"]


def test_a_service_tier_costs_its_own_price() -> None:
    assert prices(quote(service_tier="priority", **GPT_4O), "input", "cache_read", "output") == ["4.25", "2.125", "17"]


@pytest.mark.parametrize("asked", [{"service_tier": "flex"}, {"service_tier": "priority", "batch": True}])
def test_a_variant_without_a_price_is_unpriced_never_the_list_price(asked: dict[str, Any]) -> None:
    assert quote(**GPT_4O, **asked) is None


def test_a_variant_is_unpriced_before_its_first_known_price() -> None:
    assert quote(at=when("2026-10-13"), batch=True, **GPT_4O) is None
    assert quote(at=when("2026-10-14"), batch=True, **GPT_4O) is not None


def test_a_variant_of_another_providers_list_does_not_hold_where_the_model_is_borrowed() -> None:
    borrowed: dict[str, Any] = {"provider": "azure", "model": "gpt-5.1-codex-max"}
    assert quote(**borrowed) is not None
    assert quote(batch=True, **borrowed) is None


@pytest.mark.parametrize(("tokens", "rate"), [(0, "1.25"), (199_999, "1.25"), (200_000, "1.25"), (200_001, "2.5")])
def test_a_tier_holds_for_the_whole_request_and_its_boundary_is_the_lower_one(tokens: int, rate: str) -> None:
    gemini: dict[str, Any] = {"provider": "google", "model": "gemini-2.5-pro"}
    assert prices(quote(tokens=tokens, **gemini), "input") == [rate]
    assert BOOK.tiers(LLM_TOKENS, Attributes(**gemini), NOVEMBER) == (200_000,)


def test_a_tier_is_part_of_the_id() -> None:
    low, high = (quote(tokens=tokens, provider="google", model="gemini-2.5-pro") for tokens in (1, 200_001))
    assert low is not None
    assert high is not None
    assert low.id != high.id
    assert ">200000" in high.id


def test_off_peak_hours_have_their_own_price() -> None:
    deepseek: dict[str, Any] = {"provider": "deepseek", "model": "deepseek-chat"}
    hours = {"00:29:59": "0.135", "00:30:00": "0.27", "16:29:59": "0.27", "16:30:00": "0.135"}
    for hour, price in hours.items():
        found = quote(at=when(f"2026-11-03T{hour}"), **deepseek)
        assert prices(found, "input") == [price], hour


def test_a_dated_price_holds_from_its_date() -> None:
    deepseek: dict[str, Any] = {"provider": "deepseek", "model": "deepseek-v4-flash"}
    days = {"2026-08-16": "0.14", "2026-08-17": "0.22", "2026-09-09": "0.22", "2026-09-10": "0.15"}
    for day, price in days.items():
        assert prices(quote(at=when(f"{day}T20:00:00"), **deepseek), "input") == [price], day


def test_cache_writes_of_an_hour_cost_more_than_those_of_five_minutes() -> None:
    found = quote(provider="anthropic", model="claude-sonnet-4-5")
    names = ("input", "cache_read", "cache_write", "cache_write_5m", "cache_write_1h")
    assert prices(found, *names) == ["3", "0.3", "3.75", "3.75", "6"]


def test_a_charge_for_each_request_is_counted() -> None:
    found = quote(provider="perplexity", model="sonar-pro")
    assert found is not None
    assert found.rates[TOKEN_CLASSES.index("request")] == Decimal("0.014")


def test_ones_own_price_goes_before_the_list_price_from_its_date_on() -> None:
    book = PriceBook.load([{**OWN, "effective_from": "2026-11-01"}])
    assert prices(quote(book, at=when("2026-10-31"), **GPT_4O), "input") == ["2.5"]
    assert prices(quote(book, **GPT_4O), "input", "cache_read", "output") == ["2", "2", "8"]
    found = quote(book, **GPT_4O)
    assert found is not None
    assert found.id.startswith("openai/gpt-4o@2026-11-01#")


def test_ones_own_price_holds_for_the_models_other_names_but_not_for_variants() -> None:
    book = PriceBook.load([OWN])
    alias: dict[str, Any] = {"provider": "openai", "model": "gpt-4o-2024-08-06"}
    assert prices(quote(book, **alias), "input") == ["2"]
    assert prices(quote(book, batch=True, **alias), "input") == ["1.25"]


def test_ones_own_price_for_the_very_name_goes_before_that_for_the_model() -> None:
    book = PriceBook.load([OWN, {**OWN, "model": "gpt-4o-2024-08-06", "input": "3"}])
    assert prices(quote(book, provider="openai", model="gpt-4o-2024-08-06"), "input") == ["3"]
    assert prices(quote(book, **GPT_4O), "input") == ["2"]


def test_a_variant_can_have_ones_own_price() -> None:
    book = PriceBook.load([{**OWN, "service_tier": "flex"}])
    assert prices(quote(book, service_tier="flex", **GPT_4O), "input") == ["2"]
    assert prices(quote(book, **GPT_4O), "input") == ["2.5"]


def test_an_unlisted_model_can_be_priced() -> None:
    book = PriceBook.load(
        [{"resource_type": LLM_TOKENS, "model": "house-model", "input": "0.001", "unit": "1k_tokens"}]
    )
    found = quote(book, provider="on-premises", model="House-Model")
    assert prices(found, "input") == ["1"]
