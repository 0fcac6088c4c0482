"""The same line has the same identity, in whatever order, file or edition; equal lines are told apart."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from domain.billing.reading import Source
from domain.billing.row import BillingRow, event_id
from tests.domain.billing.bills import FOCUS, reading, row, rows

if TYPE_CHECKING:
    from random import Random

CHARGES = st.lists(st.sampled_from(["1", "2", "3"]), min_size=1, max_size=12)


@given(CHARGES, st.randoms())
def test_row_ids_do_not_depend_on_the_order_of_lines(amounts: list[str], random: Random) -> None:
    shuffled = random.sample(amounts, len(amounts))
    ids, others = ({each.row_id for each in rows(*[FOCUS | {"BilledCost": x} for x in y])} for y in (amounts, shuffled))
    assert ids == others
    assert len(ids) == len(amounts)


def test_row_ids_do_not_depend_on_the_order_of_columns() -> None:
    assert row(FOCUS).row_id == row(dict(reversed(FOCUS.items()))).row_id


def test_another_edition_of_the_same_line_is_another_event() -> None:
    names = list(FOCUS)
    found = []
    for assembly in ("a1", "a2"):
        reader = reading(names, source=Source("", assembly, 0))
        columns = [[FOCUS[names[position]]] for position in reader.positions]
        found += reader.rows(reader.block(columns, 1), int)[0]
    first, second = found
    assert first.row_id == second.row_id
    assert event_id(first) != event_id(second)


def test_a_bill_corrected_in_another_currency_is_the_same_statement() -> None:
    assert row(FOCUS).statement == row(FOCUS | {"BillingCurrency": "USD", "BilledCost": "11"}).statement
    assert row(FOCUS).statement == "Acme Cloud//acct/2026-06-01"
    assert row(FOCUS | {"BillingAccountId": "a/b"}).statement == "Acme Cloud//a%2Fb/2026-06-01"


def test_an_edition_tells_what_it_holds_whatever_the_order() -> None:
    def edition_of(records: list[dict[str, str]]) -> object:
        reader = reading(list(FOCUS))
        columns = [[record[list(FOCUS)[position]] for record in records] for position in reader.positions]
        reader.rows(reader.block(columns, len(records)), int)
        (edition,) = reader.editions()
        return edition

    records = [FOCUS | {"BilledCost": amount} for amount in ("1", "2", "2", "bad")]
    edition = edition_of(records)
    assert edition == edition_of(records[::-1])
    assert isinstance(edition, msgspec.Struct)
    assert (edition.rows, edition.rejected) == (3, 1)  # type: ignore[attr-defined]


def test_a_row_survives_its_json_with_every_digit_and_under_the_names_of_focus() -> None:
    original = row(FOCUS | {"BilledCost": "0.10000000000000000000000000000000001"})
    encoded = msgspec.json.encode(original)
    assert msgspec.json.decode(encoded, type=BillingRow) == original
    plain = msgspec.json.decode(encoded)
    assert plain["BilledCost"] == "0.10000000000000000000000000000000001"
    assert plain["ChargePeriodStart"] == "2026-06-01T00:00:00Z"
    assert (plain["x_Team"], plain["x_Environment"]) == ("search", "prod")
    assert original.list_cost == Decimal(12)
