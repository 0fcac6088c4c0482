from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.allocation.split import UNIT, Weights, apportion, percentages
from domain.money import ZERO, add_up

amounts = st.decimals(-(10**9), 10**9, places=18, allow_nan=False)
weights = st.lists(st.decimals(0, 10**12, places=9, allow_nan=False), min_size=1, max_size=40).filter(any)


@given(amounts, weights)
@example(Decimal("-0.000000000001"), [Decimal(1), Decimal(1)])
@example(Decimal(900), [Decimal(0), Decimal(7)])
def test_parts_sum_to_the_whole_to_the_last_unit(amount: Decimal, given_weights: list[Decimal]) -> None:
    assert add_up(apportion(amount, given_weights)) == amount


@given(amounts, weights)
def test_a_part_is_less_than_a_unit_from_its_exact_share(amount: Decimal, given_weights: list[Decimal]) -> None:
    whole = sum(map(Fraction, given_weights))
    for part, weight in zip(apportion(amount, given_weights), given_weights, strict=True):
        assert abs(Fraction(part) - Fraction(amount) * Fraction(weight) / whole) < Fraction(UNIT)


@given(amounts, weights)
def test_a_weight_of_zero_gets_nothing(amount: Decimal, given_weights: list[Decimal]) -> None:
    parts = apportion(amount, given_weights)
    assert not any(part for part, weight in zip(parts, given_weights, strict=True) if not weight)


@given(amounts, weights)
def test_a_credit_is_split_as_the_cost_it_takes_back(amount: Decimal, given_weights: list[Decimal]) -> None:
    ready = Weights(given_weights)
    assert ready.split(-amount) == [-part for part in ready.split(amount)]


@given(amounts, weights, st.integers(1, 10**6))
def test_only_the_ratio_of_weights_matters(amount: Decimal, given_weights: list[Decimal], factor: int) -> None:
    assert apportion(amount, given_weights) == apportion(amount, [weight * factor for weight in given_weights])


def test_units_that_are_left_go_to_the_largest_remainders_then_to_the_first() -> None:
    assert apportion(Decimal(1), [Decimal(1)] * 3, Decimal("0.01")) == [
        Decimal("0.34"), Decimal("0.33"), Decimal("0.33"),
    ]  # fmt: skip
    assert apportion(Decimal("0.10"), [Decimal(14), Decimal(15), Decimal(71)], Decimal("0.01")) == [
        Decimal("0.01"), Decimal("0.02"), Decimal("0.07"),
    ]  # fmt: skip


def test_one_receiver_bears_it_all() -> None:
    assert apportion(Decimal("0.1234567890123456789"), [Decimal("1E-30")]) == [Decimal("0.1234567890123456789")]


def test_ten_thousand_receivers_bear_a_bill_to_the_last_unit() -> None:
    parts = apportion(Decimal("24500.07"), [Decimal(each % 97) for each in range(10_000)])
    assert add_up(parts) == Decimal("24500.07")
    assert len(parts) == 10_000


def test_nothing_is_split_into_nothings() -> None:
    assert apportion(ZERO, [Decimal(1), Decimal(2)]) == [ZERO, ZERO]


@pytest.mark.parametrize("bad", [[], [ZERO], [ZERO, ZERO], [Decimal(2), Decimal(-1)]])
def test_weights_below_zero_or_none_above_it_are_our_mistake(bad: list[Decimal]) -> None:
    with pytest.raises(ValueError, match="not negative"):
        apportion(Decimal(1), bad)


@given(st.lists(st.decimals(0, 10**6, places=2, allow_nan=False), min_size=1, max_size=12).filter(any))
def test_shares_of_a_report_sum_to_a_hundred(costs: list[Decimal]) -> None:
    assert add_up(percentages(costs)) == 100
