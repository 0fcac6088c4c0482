"""Money: exact, or an exception; rounded nowhere but where a ratio is shown."""

from __future__ import annotations

from decimal import Decimal, Inexact, InvalidOperation, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import money
from domain.money import EXACT

amounts = st.decimals(min_value=-(10**18), max_value=10**18, allow_nan=False, allow_infinity=False, places=18)


@given(st.lists(amounts, max_size=50))
def test_a_sum_is_that_of_fractions_in_any_order(parts: list[Decimal]) -> None:
    expected = sum(map(Fraction, parts), Fraction(0))
    assert Fraction(money.add_up(parts)) == Fraction(money.add_up(reversed(parts))) == expected


@given(amounts, amounts)
def test_sums_and_products_of_two_are_those_of_fractions(left: Decimal, right: Decimal) -> None:
    assert Fraction(money.add(left, right)) == Fraction(left) + Fraction(right)
    assert Fraction(money.multiply(left, right)) == Fraction(left) * Fraction(right)


def test_a_third_is_refused_instead_of_rounded() -> None:
    with localcontext(EXACT), pytest.raises(Inexact):
        Decimal(1) / 3


def test_digits_that_do_not_fit_are_refused_instead_of_dropped() -> None:
    with pytest.raises(Inexact):
        money.add(Decimal(10) ** 70, Decimal(10) ** -70)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "sNaN", "", "1,5", "0x10", "12 USD"])
def test_what_is_no_finite_decimal_is_no_amount(text: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        money.parse_amount(text)


@given(amounts)
def test_text_is_read_back_as_the_same_amount(amount: Decimal) -> None:
    text = money.to_text(amount)
    assert money.parse_amount(text) == amount
    assert "E" not in text.upper()
    assert len(text.partition(".")[2]) >= 2


@pytest.mark.parametrize(
    ("amount", "text"), [("68.4", "68.40"), ("0.0000025", "0.0000025"), ("1E+3", "1000.00"), ("-0.10", "-0.10")]
)
def test_amounts_are_written_for_people(amount: str, text: str) -> None:
    assert money.to_text(Decimal(amount)) == text


@given(amounts)
def test_quantities_have_no_exponent_and_no_trailing_zeros(quantity: Decimal) -> None:
    text = money.quantity_to_text(quantity)
    assert Decimal(text) == quantity
    assert "E" not in text.upper()
    assert "." not in text or text[-1] not in "0."


def test_the_ratio_to_a_limit_of_nothing_is_whole_once_something_is_spent() -> None:
    assert money.ratio(Decimal(0), Decimal(0)) == 0
    assert money.ratio(Decimal("0.01"), Decimal(0)) == 1
    assert money.ratio(Decimal("68.40"), Decimal(80)) == Decimal("0.855")


def test_the_exact_context_has_no_silent_result() -> None:
    with localcontext(EXACT), pytest.raises(InvalidOperation):
        Decimal("Infinity") - Decimal("Infinity")
