from __future__ import annotations

from datetime import date
from decimal import Decimal

from app.adapters.ecb_rates import EcbRates
from domain.fx import Month, Rates, last_published


def test_rates_are_those_that_the_ecb_published_to_the_last_digit() -> None:
    rates = EcbRates()
    assert rates.on(date(2023, 9, 1), "CAD") == Decimal("1.4656")
    assert rates.on(date(1999, 1, 4), "USD") == Decimal("1.1789")


def test_there_is_none_for_a_weekend_a_currency_before_its_time_or_an_unknown_one() -> None:
    rates = EcbRates()
    assert rates.on(date(2023, 9, 2), "CAD") is None
    assert last_published(rates, "CAD", date(2023, 9, 2)) == Decimal("1.4656")
    assert rates.on(date(1999, 1, 4), "BGN") is None
    assert rates.on(date(2023, 9, 1), "Date") is None
    assert rates.on(date(2023, 9, 1), "XXX") is None


def test_a_whole_month_has_a_rate_between_the_extremes_of_its_days() -> None:
    rates = EcbRates()
    month = Month(2023, 9)
    days = [rate for day in month.days if (rate := rates.on(day, "CAD"))]
    assert min(days) < Rates(published=rates).rate("EUR", "CAD", month) < max(days)
    assert rates.last > date(2025, 1, 1)
