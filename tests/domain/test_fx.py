"""One rate per month and pair; a missing one is an error that names it."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.fx import MissingRateError, Month, OwnRate, Rates, last_published
from domain.money import add_up

SEPTEMBER = Month(2023, 9)


class Published:
    """Rates of working days: the day of the month, so that means are easy to see."""

    base = "EUR"

    def __init__(self, last: date = date(2024, 2, 1)) -> None:
        self.last = last

    def on(self, day: date, currency: str) -> Decimal | None:
        if currency not in ("CAD", "USD") or day.weekday() > 4 or day > self.last:
            return None
        return Decimal(day.day) * (2 if currency == "CAD" else 1)


def test_a_saturday_has_friday_s_rate() -> None:
    assert last_published(Published(), "USD", date(2023, 9, 2)) == 1  # Friday the 1st
    assert last_published(Published(), "USD", date(2023, 9, 3)) == 1
    assert last_published(Published(), "USD", date(2023, 9, 4)) == 4


def test_a_month_s_rate_is_the_mean_of_its_days_each_with_the_last_rate_before_it() -> None:
    days = [last_published(Published(), "USD", date(2023, 9, day)) for day in range(1, 31)]
    mean = sum(day for day in days if day) / Decimal(30)
    assert Rates(published=Published()).rate("EUR", "USD", SEPTEMBER) == round(mean, 8)


def test_two_currencies_meet_in_the_base() -> None:
    rates = Rates(published=Published())
    assert rates.rate("USD", "CAD", SEPTEMBER) == 2
    assert rates.rate("CAD", "USD", SEPTEMBER) == Decimal("0.5")
    assert rates.rate("CAD", "CAD", Month(1900, 1)) == 1


@pytest.mark.parametrize(("source", "target"), [("EUR", "XXX"), ("XXX", "EUR"), ("XXX", "USD")])
def test_a_missing_rate_fails_and_names_pair_and_month(source: str, target: str) -> None:
    with pytest.raises(MissingRateError, match=f"from {source} to {target} for 2023-09"):
        Rates(published=Published()).convert(Decimal(1), source, target, SEPTEMBER)


@pytest.mark.parametrize("day", [15, 24, 28])
def test_a_month_that_is_not_over_has_no_rate_not_even_a_provisional_one(day: int) -> None:
    with pytest.raises(MissingRateError):
        Rates(published=Published(last=date(2023, 9, day))).rate("EUR", "USD", SEPTEMBER)


@given(st.dates(date(2023, 1, 1), date(2023, 12, 31)))
def test_a_month_that_has_a_rate_never_gets_another_whatever_is_published_later(last: date) -> None:
    found = Rates(published=Published(last=last))
    for number in range(1, 13):
        month = Month(2023, number)
        try:
            rate = found.rate("EUR", "USD", month)
        except MissingRateError:
            continue
        assert rate == Rates(published=Published()).rate("EUR", "USD", month)


def test_a_month_that_ends_on_a_weekend_is_complete() -> None:
    assert Rates(published=Published(last=date(2023, 9, 29))).rate("EUR", "USD", SEPTEMBER)  # the 30th is a Saturday


def test_own_rates_win_and_are_read_backwards_too() -> None:
    rates = Rates(own=[OwnRate(SEPTEMBER, "USD", "CAD", Decimal("1.25"))], published=Published())
    assert rates.rate("USD", "CAD", SEPTEMBER) == Decimal("1.25")
    assert rates.rate("CAD", "USD", SEPTEMBER) == Decimal("0.8")
    with pytest.raises(MissingRateError):
        Rates().rate("USD", "CAD", SEPTEMBER)


def test_markup_is_added_to_conversions_only() -> None:
    rates = Rates(own=[OwnRate(SEPTEMBER, "USD", "CAD", Decimal(2))], markup=Decimal("0.02"))
    assert rates.convert(Decimal("1.50"), "USD", "CAD", SEPTEMBER) == Decimal("3.06")
    assert rates.convert(Decimal("1.50"), "USD", "USD", SEPTEMBER) == Decimal("1.50")


@given(st.lists(st.decimals(-(10**9), 10**9, places=12), max_size=20))
def test_the_sum_of_conversions_is_the_conversion_of_the_sum(amounts: list[Decimal]) -> None:
    rates = Rates(own=[OwnRate(SEPTEMBER, "USD", "CAD", Decimal("1.36912"))], markup=Decimal("0.015"))
    apart = add_up(rates.convert(amount, "USD", "CAD", SEPTEMBER) for amount in amounts)
    assert apart == rates.convert(add_up(amounts), "USD", "CAD", SEPTEMBER)


def test_months_know_their_days() -> None:
    assert len(Month(2024, 2).days) == 29
    assert Month(2024, 2).days[-1] + timedelta(days=1) == date(2024, 3, 1)
    assert str(Month(2024, 2)) == "2024-02"
