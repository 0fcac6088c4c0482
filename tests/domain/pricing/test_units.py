"""Units convert exactly, and what cannot be converted says so."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.pricing.units import meter_unit, parse_unit, per_meter_unit, times, to_decimal


@pytest.mark.parametrize(
    ("meter", "price", "unit", "rate"),
    [
        ("compute.cpu_seconds", "0.36", "cpu_hour", "0.0001"),
        ("compute.cpu_seconds", "0.36", "vcpu_hours", "0.0001"),
        ("compute.memory_gb_hours", "0.001", "gb_second", "3.6"),
        ("compute.gpu_hours", "1", "gpu_minute", "60"),
        ("compute.requests", "0.2", "1m_requests", "0.0000002"),
        ("storage.operations", "0.0004", "1k_operations", "0.0000004"),
        ("storage.operations", "0.004", "10k_requests", "0.0000004"),
        ("storage.gb_months", "20", "tb_month", "0.02"),
        ("storage.gb_months", "0.00002", "gb_hour", "0.01461"),
        ("network.egress_gb", "1", "gib", "0.931322574615478515625"),
        ("network.cross_az_gb", "5", "tb", "0.005"),
        ("third_party.api_calls", "3", "1k_calls", "0.003"),
        ("third_party.seats", "25", "seat", "25"),
        ("third_party.credits", "10", "1k_credits", "0.01"),
        ("shared.anything_at_all", "7", "1k_units", "0.007"),
    ],
)
def test_a_price_is_converted_exactly_to_the_meters_own_unit(meter: str, price: str, unit: str, rate: str) -> None:
    assert per_meter_unit(Fraction(price), parse_unit(unit), meter_unit(meter)) == Decimal(rate)


def test_one_gib_month_costs_its_price_however_it_is_metered() -> None:
    rate = per_meter_unit(Fraction("0.023"), parse_unit("gib_month"), meter_unit("storage.gb_months"))
    assert rate * Decimal("1.073741824") == Decimal("0.023")


def test_a_price_that_does_not_divide_is_rounded_once_half_even_to_18_decimals() -> None:
    assert to_decimal(Fraction(1, 3600)) == Decimal("0.000277777777777778")
    third = per_meter_unit(Fraction("0.031611"), parse_unit("cpu_hour"), meter_unit("compute.cpu_seconds"))
    assert third == Decimal("0.000008780833333333")


def test_a_price_that_would_vanish_is_refused_not_rounded_to_nothing() -> None:
    with pytest.raises(ValueError, match="below 10"):
        per_meter_unit(Fraction("1e-17"), parse_unit("cpu_month"), meter_unit("compute.cpu_seconds"))


@pytest.mark.parametrize(("unit", "message"), [("cpu_huor", "did you mean cpu_hour"), ("0k_requests", "unknown|not a")])
def test_an_unknown_unit_suggests_the_nearest(unit: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_unit(unit)


def test_a_unit_of_another_dimension_is_refused() -> None:
    with pytest.raises(ValueError, match="measures bytes, the meter counts cpu times"):
        per_meter_unit(Fraction(1), parse_unit("gb"), meter_unit("compute.cpu_seconds"))


@given(st.decimals(0, 10**6, places=9, allow_nan=False), st.decimals(0, 1000, places=9, allow_nan=False))
def test_a_multiplier_is_exact(rate: Decimal, factor: Decimal) -> None:
    assert Fraction(times(rate, factor)) == Fraction(rate) * Fraction(factor)
    assert Decimal(0) <= times(rate, factor)


@given(st.fractions(0, 10**9))
def test_rounding_is_never_off_by_more_than_half_of_the_last_decimal(value: Fraction) -> None:
    assert abs(Fraction(to_decimal(value)) - value) <= Fraction(1, 2 * 10**18)
