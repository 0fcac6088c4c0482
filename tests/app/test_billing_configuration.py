"""`[fx]` and `[billing.tags]` of the configuration file."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from app.billing_configuration import Bills
from app.configuration import parse_configuration
from app.typed_toml import SettingsError
from domain.billing.tags import DEFAULT_KEYS
from domain.fx import MissingRateError, Month, OwnRate

RATE = '[[fx.rates]]\nmonth = "2026-10"\nfrom = "CAD"\nto = "USD"\nrate = 0.72\n'


class NothingPublished:
    base = "EUR"

    def on(self, day: object, currency: str) -> Decimal | None:
        del day
        return Decimal(2) if currency == "USD" else None


def test_without_a_section_rates_are_the_ecb_s_and_nothing_is_marked_up() -> None:
    fx = parse_configuration("", Path()).fx
    assert (fx.own, fx.ecb, fx.markup) == ((), True, Decimal(0))
    assert fx.rates(NothingPublished()).rate("EUR", "USD", Month(2026, 10)) == 2


def test_own_rates_are_exact_and_the_ecb_can_be_left_out() -> None:
    fx = parse_configuration(f'[fx]\nsource = "none"\nmarkup = "0.015"\n{RATE}', Path()).fx
    assert fx.own == (OwnRate(Month(2026, 10), "CAD", "USD", Decimal("0.72")),)
    assert fx.markup == Decimal("0.015")
    with pytest.raises(MissingRateError):
        fx.rates(NothingPublished()).rate("EUR", "USD", Month(2026, 10))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('[fx]\nsource = "boe"', "fx.source: 'boe' is neither ecb nor none"),
        ('[fx]\nmarkup = "2"', "fx.markup: 2 is not a share such as 0.02"),
        ("[fx]\nmark = 1", "fx.mark: unknown key; did you mean markup?"),
        (RATE.replace("10", "13"), "fx.rates[0].month: '2026-13' is not a month such as 2026-10"),
        (RATE.replace("CAD", "cad"), "fx.rates[0].from: 'cad' is not an ISO 4217 code such as USD"),
        (RATE.replace("0.72", "0"), "fx.rates[0].rate: 0 is not above 0"),
        (RATE + RATE, "fx.rates[1]: 2026-10 has a rate for CAD and USD"),
        (RATE.replace("USD", "XXQ"), "fx.rates[0].to: 'XXQ' is not an ISO 4217 code such as USD"),
        ('[billing.tags]\nteam = "x"', "billing.tags.team: must be a list, not a string"),
        ('[billing.tags]\nteam = ["x", 1]', "billing.tags.team[1]: must be a string, not a whole number"),
        ('[billing.tags]\nenvironment = [" "]', "billing.tags.environment[0]: must not be empty"),
        ('[billing.tags]\nteem = ["x"]', "billing.tags.teem: unknown key; did you mean team?"),
    ],
)
def test_a_bad_value_is_one_line_that_names_the_key(text: str, line: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        parse_configuration(text, Path())
    assert str(refusal.value) == line


def test_a_dimension_that_is_left_out_keeps_its_tags() -> None:
    tags = parse_configuration('[billing.tags]\nteam = ["Squad", "crew"]', Path()).tags
    assert tags["team"] == ("Squad", "crew")
    assert tags["tenant"] == DEFAULT_KEYS["tenant"]


def test_bills_are_looked_for_every_six_hours_beside_the_file_or_in_a_store() -> None:
    found = parse_configuration('[billing]\nfolders = ["bills", "s3://bucket/bills"]', Path("/etc/costguard.d/x.toml"))
    assert found.bills == Bills(("/etc/costguard.d/bills", "s3://bucket/bills"), 6 * 3600)
    assert parse_configuration("", Path()).bills.folders == ()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('every = "6 hours"', "billing.every: '6 hours' is not a number of m, h or d such as 6h"),
        ('every = "0h"', "billing.every: '0h' is not a number of m, h or d such as 6h"),
        ('folders = [" "]', "billing.folders[0]: must not be empty"),
    ],
)
def test_a_folder_or_an_interval_that_means_nothing_is_refused(text: str, line: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse_configuration(f"[billing]\n{text}", Path())
    assert str(refused.value) == line
