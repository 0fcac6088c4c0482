"""Amounts, times and tags as they are written in bills."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.billing.amounts import parse_amount, parse_comma_amount
from domain.billing.instants import parse_instant
from domain.billing.tags import TagTable, parse_tags
from domain.scope import Scope


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("0.1", "0.1"),
        ("5.64902E-05", "0.0000564902"),
        ("-12.50", "-12.50"),
        ("$50,000.00 ", "50000.00"),
        ("-$1,000", "-1000"),
        ("(12.50)", "-12.50"),
        ("0.00 ", "0.00"),
    ],
)
def test_an_amount_is_exactly_what_is_written(text: str, amount: str) -> None:
    assert str(parse_amount(text) + 0) == str(Decimal(amount) + 0)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("0,125", "0.125"),
        ("1,234", "1.234"),
        ("1.234,56 €", "1234.56"),
        ("1\u202f234\u202f567,5", "1234567.5"),
        ("-1.000,00", "-1000"),
        ("(2,5)", "-2.5"),
        ("5.64902E-05", "0.0000564902"),
        ("1.234", "1.234"),
    ],
)
def test_where_a_comma_begins_decimals_it_never_parts_thousands(text: str, amount: str) -> None:
    assert parse_comma_amount(text) == Decimal(amount)


@pytest.mark.parametrize("text", ["1,234.5", "0.125,5", "1,2,3", "1 23,4"])
def test_a_comma_in_a_wrong_place_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="number"):
        parse_comma_amount(text)


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "NaN",
        "Infinity",
        "1,00",
        "0,125",
        "012,500",
        "1.2.3",
        "1E+999999",
        "(1",
        "--1",
        "1" * 130,
        "1_0",
        "\u0661",
        "$\u0661",
    ],
)
def test_what_money_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="number"):
        parse_amount(text)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20, places=20))
def test_any_decimal_survives_its_text(amount: Decimal) -> None:
    assert parse_amount(str(amount)) == amount


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-06-01T00:00:00Z", datetime(2026, 6, 1, tzinfo=UTC)),
        ("2026-06-01", datetime(2026, 6, 1, tzinfo=UTC)),
        ("2026-06-01T05:00Z", datetime(2026, 6, 1, 5, tzinfo=UTC)),
        ("2026-06-01 05:06:07.000", datetime(2026, 6, 1, 5, 6, 7, tzinfo=UTC)),
        ("2026-06-01 05:06:07 UTC", datetime(2026, 6, 1, 5, 6, 7, tzinfo=UTC)),
        ("2026-06-01 01:11:12.066000+02:00", datetime(2026, 5, 31, 23, 11, 12, 66000, tzinfo=UTC)),
        ("9/2/2026", datetime(2026, 9, 2, tzinfo=UTC)),
        ("5/1/26", datetime(2026, 5, 1, tzinfo=UTC)),
        ("09/02/2026 12:30:00 AM", datetime(2026, 9, 2, 0, 30, tzinfo=UTC)),
        ("02.09.2026", datetime(2026, 9, 2, tzinfo=UTC)),
        ("2026-02-28T24:00:00Z", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-02-01T30:00:00Z", datetime(2026, 2, 2, 6, tzinfo=UTC)),
        ("1759622400", datetime(2025, 10, 5, tzinfo=UTC)),
        ("1759622400.0", datetime(2025, 10, 5, tzinfo=UTC)),
        ("1.7596224E9", datetime(2025, 10, 5, tzinfo=UTC)),
        ("1759622400000", datetime(2025, 10, 5, tzinfo=UTC)),
        ("1.7596224E+12", datetime(2025, 10, 5, tzinfo=UTC)),
        ("1759622400000000", datetime(2025, 10, 5, tzinfo=UTC)),
        ("2026/9/2", datetime(2026, 9, 2, tzinfo=UTC)),
        ("2026/09/02 5:30", datetime(2026, 9, 2, 5, 30, tzinfo=UTC)),
        ("2026-9-2 0:00:00", datetime(2026, 9, 2, tzinfo=UTC)),
    ],
)
def test_times_of_all_providers_are_read_into_utc(text: str, instant: datetime) -> None:
    assert parse_instant(text) == instant


@pytest.mark.parametrize(
    "text",
    ["", "soon", "13/40/2026", "31/12/2026", "2026-13-01", "2026", "2026/13/1", "2026/9-1", "17596224000", "1.5E3"],
)
def test_what_is_no_time_is_refused_and_a_day_before_its_month_is_not_guessed(text: str) -> None:
    with pytest.raises(ValueError, match=r"date|month|day|isoformat|years"):
        parse_instant(text)


@pytest.mark.parametrize(
    "cell",
    [
        '{"team": "search", "env": "prod"}',
        '"team": "search", "env": "prod"',
        '[{"key": "team", "value": "search"}, {"key": "env", "value": "prod"}]',
        "[{'key': 'team', 'value': 'search'}, {'key': 'env', 'value': 'prod'}]",
        {"team": "search", "env": "prod"},
        [("team", "search"), ("env", "prod")],
        "team=search;env=prod",
        "{team=search, env=prod}",
        "team = search | env = prod",
    ],
)
def test_tags_are_the_same_however_they_are_written(cell: object) -> None:
    assert parse_tags(cell) == {"team": "search", "env": "prod"}


@pytest.mark.parametrize("cell", ["", "{}", "[]", "null", '""', "NULL", "nan", "N/A", "\\N"])
def test_no_tags_are_an_empty_dictionary(cell: str) -> None:
    assert parse_tags(cell) == {}


@pytest.mark.parametrize("cell", ["search", "[1, 2]", "{", 5, "[" * 5000])
def test_what_are_no_tags_is_refused(cell: object) -> None:
    with pytest.raises(ValueError, match="tag"):
        parse_tags(cell)


@pytest.mark.parametrize(
    "key", ["team", "Team", "user:team", "resourceTags/user:team", "user_team", "label_team", "acme.com/team", "TEAM "]
)
def test_case_and_prefixes_of_a_tag_key_do_not_matter(key: str) -> None:
    assert TagTable().scope_of({key: "search"}) == Scope(team="search")


def test_of_several_keys_the_first_of_the_table_wins_and_an_empty_value_is_none() -> None:
    table = TagTable({"environment": ["environment", "env"]})
    assert table.scope_of({"env": "dev", "environment": "prod"}).environment == "prod"
    assert table.scope_of({"env": "dev", "environment": " "}).environment == "dev"


def test_a_dimension_that_no_tag_names_is_unattributed() -> None:
    assert TagTable().scope_of({"Name": "host", "aws:createdBy": "me"}) == Scope()


@pytest.mark.parametrize("text", ["1_0", "\u0661", "$\u0661", "(1_0)"])
def test_what_only_python_takes_for_a_number_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="number"):
        parse_amount(text)
