"""Typed TOML: the key of whatever is wrong, wherever it is."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.typed_toml import SettingsError, nearest, parse_toml, typed


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    amount: Decimal
    text: str | None = None


class Outer(msgspec.Struct, forbid_unknown_fields=True):
    items: list[Inner] = []
    one: Inner | None = None


def refusal(text: str, key: str = "") -> str:
    with pytest.raises(SettingsError) as caught:
        typed(parse_toml(text, "FILE", "x.toml"), Outer, key)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("item = 1", "item: unknown key; did you mean items?"),
        ("zzz = 1", "zzz: unknown key; known are items, one"),
        ("items = [{amount = 1}, {amout = 1}]", "items[1].amout: unknown key; did you mean amount?"),
        ("items = [{}]", "items[0].amount: missing"),
        ("[one]\namount = 1\ntxt = 1", "one.txt: unknown key; did you mean text?"),
        ("[one]\namount = true", "one.amount: must be a number or a decimal string, not true or false"),
        ("[one]\namount = 1\ntext = 2", "one.text: must be a string, not a whole number"),
        ("[one]\namount = 'x'", "one.amount: invalid decimal string"),
        ("one = 2026-01-01", "one: must be a table, not a date"),
    ],
)
def test_the_key_is_named_from_the_root(text: str, line: str) -> None:
    assert refusal(text) == line


def test_a_section_is_named_by_what_it_stands_under() -> None:
    assert (
        refusal("[one]\namount = []", "outer") == "outer.one.amount: must be a number or a decimal string, not a list"
    )
    assert refusal("item = 1", "outer") == "outer.item: unknown key; did you mean items?"


@given(st.decimals(allow_nan=False, allow_infinity=False, places=9))
def test_a_number_is_exactly_what_is_written(number: Decimal) -> None:
    document = parse_toml(f"items = [{{amount = {number:f}}}, {{amount = '{number:f}'}}]", "FILE", "x.toml")
    assert [item.amount for item in typed(document, Outer).items] == [number, number]


@given(st.text())
def test_an_error_is_always_one_line(message: str) -> None:
    assert len(str(SettingsError("KEY", message)).splitlines()) == 1


@given(st.text(max_size=30), st.lists(st.text(max_size=30), min_size=1))
def test_a_suggestion_is_one_of_the_known_names(name: str, known: list[str]) -> None:
    suggestion = nearest(name, known).removeprefix("; did you mean ").removesuffix("?")
    assert suggestion in known or suggestion.startswith("; known are ")


@pytest.mark.parametrize("text", ["a=" + "9" * 5_000, "a=" + "[" * 5_000, "a=1e99999999999999999999"])
def test_what_python_cannot_hold_is_one_line_too(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_toml(text, "FILE", "x.toml")
    assert str(caught.value) == "FILE: x.toml has a number too long, or tables too deep, to be read"
