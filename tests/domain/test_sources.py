from __future__ import annotations

import pytest

from domain.sources import Origin, billed, metered, parse, provider_named


@pytest.mark.parametrize(
    ("price_id", "source"),
    [
        ("openai/gpt-4o@2024-08-06#ab", "metered/openai"),
        ("compute.gpu_hours/aws/eu-west-1@2025-01-01#ab", "metered/aws"),
        ("storage.gb_months/*/eu-west-1+snapshot@base#ab", "metered"),
        ("compute.requests@base#ab", "metered"),
        ("", "metered"),
    ],
)
def test_metered_cost_is_of_the_provider_whose_price_it_has(price_id: str, source: str) -> None:
    assert metered(price_id) == source


def test_a_provider_has_one_name_whatever_its_bills_call_it() -> None:
    assert {provider_named(name) for name in ("AWS", "Amazon Web Services", "amazon web services")} == {"aws"}
    assert provider_named("Microsoft") == provider_named("azure") == "azure"
    assert provider_named(None) == ""


def test_a_source_is_taken_apart_as_it_was_put_together() -> None:
    assert parse(billed("aws", "effective", "tax")) == Origin("billed", "aws", "effective", "tax")
    assert parse("metered") == Origin("metered")
