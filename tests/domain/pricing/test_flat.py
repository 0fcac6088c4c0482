"""Prices of compute, storage and network: where they fall back, from when they hold, what variants cost."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from domain.money import multiply
from domain.pricing import PriceBook
from domain.usage import NO_ATTRIBUTES, Attributes

NOVEMBER = int(datetime(2026, 11, 3, tzinfo=UTC).timestamp())
REQUESTS = "compute.requests"


def when(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def book(*tables: dict[str, Any]) -> PriceBook:
    return PriceBook.load([{"resource_type": REQUESTS, "unit": "request", **table} for table in tables])


def rate(prices: PriceBook, meter: str = REQUESTS, at: int = NOVEMBER, **attributes: Any) -> Decimal | None:
    quote = prices.quote(meter, Attributes(**attributes), at)
    return None if quote is None else quote.rates[0]


def test_exact_region_goes_before_provider_and_provider_before_any() -> None:
    prices = book(
        {"price": "1"},
        {"price": "2", "provider": "aws"},
        {"price": "3", "provider": "aws", "region": "eu-west-1"},
    )
    assert rate(prices) == 1
    assert rate(prices, provider="gcp", region="eu-west-1") == 1
    assert rate(prices, provider="aws", region="us-east-1") == 2
    assert rate(prices, provider="AWS", region="EU-west-1") == 3


def test_a_new_price_does_not_reprice_history() -> None:
    prices = book(
        {"price": "1", "provider": "x", "effective_from": "2026-01-01"},
        {"price": "2", "provider": "x", "effective_from": "2026-06-01T12:00:00Z"},
    )
    assert rate(prices, provider="x", at=when("2026-06-01T11:59:59+00:00")) == 1
    assert rate(prices, provider="x", at=when("2026-06-01T12:00:00+00:00")) == 2
    assert rate(prices, provider="x", at=when("2026-01-01T00:00:00+00:00")) == 1


def test_before_the_first_price_usage_is_unpriced_not_free() -> None:
    prices = book({"price": "1", "provider": "x", "effective_from": "2026-01-01"})
    assert rate(prices, provider="x", at=when("2025-12-31T23:59:59+00:00")) is None


def test_shipped_prices_stand_until_ones_own_come_into_force() -> None:
    own = {"price": "1", "provider": "aws", "effective_from": "2026-01-01"}
    before = when("2025-12-31T00:00:00+00:00")
    assert rate(book(own), provider="aws", at=before) == rate(PriceBook.load(), provider="aws", at=before)
    assert rate(book(own), provider="aws") == 1


def test_ones_own_price_for_any_provider_goes_before_a_shipped_one_for_this_provider() -> None:
    assert rate(book({"price": "1"}), provider="aws") == 1


def test_an_account_can_have_its_own_price() -> None:
    prices = book({"price": "1"}, {"price": "2", "account": "1234"})
    assert [rate(prices, account=account) for account in ("1234", "99", "")] == [Decimal(2), Decimal(1), Decimal(1)]


@pytest.mark.parametrize(("purchase", "price"), [("", "3"), ("On-Demand", "3"), ("spot", "1"), ("preemptible", "1")])
def test_a_purchase_option_has_its_own_price(purchase: str, price: str) -> None:
    prices = book({"price": "3", "purchase": "on_demand"}, {"price": "1", "purchase": "spot"})
    assert rate(prices, purchase=purchase) == Decimal(price)


def test_reserved_capacity_costs_its_amortised_price() -> None:
    table = {"purchase": "reserved", "upfront": "876", "term_hours": 8760, "hourly": "0.26", "unit": "cpu_hour"}
    prices = PriceBook.load([{"resource_type": "compute.cpu_seconds", **table}])
    assert rate(prices, "compute.cpu_seconds", purchase="reserved") == Decimal("0.0001")


def test_reserved_capacity_without_a_price_is_unpriced_never_the_list_price() -> None:
    assert rate(PriceBook.load(), "compute.cpu_seconds", provider="aws", purchase="reserved") is None


@pytest.mark.parametrize("attributes", [{"storage_class": "snapshot"}, {"snapshot": True}, {"snapshot": "yes"}])
@pytest.mark.parametrize("own", [[], [{"price": "0.02"}], [{"price": "0.02", "storage_class": "standard"}]])
def test_a_snapshot_costs_one_and_a_half_times_its_storage(
    own: list[dict[str, Any]], attributes: dict[str, Any]
) -> None:
    storage = {"resource_type": "storage.gb_months", "unit": "gb_month"}
    prices = PriceBook.load([{**storage, **table} for table in own])
    plain = rate(prices, "storage.gb_months", provider="aws")
    assert plain is not None
    assert rate(prices, "storage.gb_months", provider="aws", **attributes) == multiply(plain, Decimal("1.5"))


def test_a_multiplier_does_not_apply_to_a_price_that_names_the_class_itself() -> None:
    storage = {"resource_type": "storage.gb_months", "unit": "gb_month", "storage_class": "snapshot"}
    prices = PriceBook.load([{**storage, "price": "0.05"}])
    assert rate(prices, "storage.gb_months", snapshot=True) == Decimal("0.05")


def test_a_multiplier_on_a_price_multiplies_it() -> None:
    assert rate(book({"price": "2", "multiplier": "0.8"})) == Decimal("1.6")


def test_a_multiplier_holds_from_its_date() -> None:
    storage = {"resource_type": "storage.gb_months", "storage_class": "cold", "unit": "gb_month"}
    prices = PriceBook.load(
        [
            {**storage, "multiplier": "0.5", "effective_from": "2026-06-01"},
            {"resource_type": "storage.gb_months", "price": "0.02", "unit": "gb_month"},
        ]
    )
    cold = {"storage_class": "cold"}
    assert rate(prices, "storage.gb_months", at=when("2026-05-31T23:00:00+00:00"), **cold) == Decimal("0.02")
    assert rate(prices, "storage.gb_months", at=NOVEMBER, **cold) == Decimal("0.01")


def test_a_storage_class_that_no_price_names_is_unpriced() -> None:
    assert rate(PriceBook.load(), "storage.gb_months", provider="aws", storage_class="wormhole") is None


def test_the_id_names_sku_and_date_and_differs_with_the_rate() -> None:
    place = {"provider": "aws", "region": "eu-west-1", "effective_from": "2026-01-01"}
    one = book({"price": "1", **place}).quote(REQUESTS, Attributes(provider="aws", region="eu-west-1"), NOVEMBER)
    two = book({"price": "2", **place}).quote(REQUESTS, Attributes(provider="aws", region="eu-west-1"), NOVEMBER)
    same = book({"price": "1.00", **place}).quote(REQUESTS, Attributes(provider="aws", region="eu-west-1"), NOVEMBER)
    assert one is not None
    assert two is not None
    assert re.fullmatch(r"compute\.requests/aws/eu-west-1@2026-01-01#[0-9a-f]{8}", one.id)
    assert one.id != two.id
    assert one == same


KNOWN = ["compute.cpu_seconds", "compute.memory_gb_hours", "compute.gpu_hours", "compute.requests"]
KNOWN += ["storage.gb_months", "storage.operations", "network.egress_gb", "network.cross_az_gb"]


@pytest.mark.parametrize("provider", ["aws", "gcp", "azure"])
@pytest.mark.parametrize("meter", KNOWN)
def test_every_known_meter_of_the_big_clouds_has_a_default(meter: str, provider: str) -> None:
    found = rate(PriceBook.load(), meter, provider=provider)
    assert found is not None
    assert found > 0


@pytest.mark.parametrize("meter", ["third_party.seats", "third_party.credits", "third_party.api_calls", "shared.rent"])
def test_what_nobody_can_know_has_no_default(meter: str) -> None:
    assert PriceBook.load().quote(meter, NO_ATTRIBUTES, NOVEMBER) is None
    assert PriceBook.load().tiers(meter, NO_ATTRIBUTES, NOVEMBER) == ()


def test_every_shipped_price_says_where_it_is_from() -> None:
    rows = PriceBook.load().describe()
    assert rows
    assert all(row["source"] and row["rates"] for row in rows)


def test_shipped_dollars_are_not_taken_for_another_currency() -> None:
    own = tomllib.loads('[[prices]]\nresource_type = "third_party.seats"\nprice = "25"\nunit = "seat"')["prices"]
    prices = PriceBook.load(own, "EUR")
    assert rate(prices, "third_party.seats") == 25
    assert rate(prices, "compute.cpu_seconds", provider="aws") is None
    assert rate(prices, "third_party.llm_tokens", provider="openai", model="gpt-4o") is None
