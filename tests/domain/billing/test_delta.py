"""Whatever a sender writes to `billing-deltas` there is a charge or a reason why not, and charges can be summed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.billing.amounts import MAX_DIGITS, MAX_PLACES
from domain.billing.delta import Delta, read
from domain.billing.editions import EDITION_CLOSED, Edition
from domain.billing.row import BILLING_DELTA
from domain.billing.tags import TagTable
from domain.fx import Month, OwnRate, Rates
from domain.money import add_up, multiply
from domain.rejection import Rejected
from tests.domain.billing.test_books import Stored, event

DECIMALS = ("BilledCost", "EffectiveCost", "ContractedCost", "ListCost", "PricingQuantity", "ConsumedQuantity")
LARGEST = "9" * MAX_DIGITS
SMALLEST = f"1e-{MAX_PLACES}"
BEYOND = ["sNaN", "-NaN123", "inf", "-Infinity", "1e300", "1e-300", "1e999999999", "-1e-999999999", "7" * 200]
BEYOND += [f"1e{MAX_DIGITS}", f"1e-{MAX_PLACES + 1}", "1." + "0" * 51 + "1", LARGEST + "." + "1" * 25]
ZEROS = ["0", "0.00", "-0", "0e-200", "0E-9999999999", "0e9999", "-0e999999999", "0." + "0" * 200]
NUMBERS = st.one_of(
    st.sampled_from([*BEYOND, *ZEROS, LARGEST, f"-{LARGEST}", SMALLEST, f"-{SMALLEST}", "1" + "0" * 29, "1e29"]),
    st.decimals().map(str),
    st.builds(lambda digits, exponent: f"{digits}e{exponent}", st.integers(), st.integers(-100, 100)),
    st.builds("{}.{}".format, st.integers(0), st.integers(0)),
)
# Of these the largest and the smallest published rates are within.
RATES = Rates(own=[OwnRate(Month(2026, 11), "EUR", "USD", Decimal("1.234567891e-6"))], markup=Decimal("0.0215"))


@pytest.mark.parametrize("name", DECIMALS)
@pytest.mark.parametrize("text", BEYOND)
def test_a_number_that_cannot_be_summed_is_refused_by_the_name_of_its_column(name: str, text: str) -> None:
    refused = read(event(**{name: text}), (), TagTable())
    assert isinstance(refused, Rejected)
    assert name in refused.reason


@pytest.mark.parametrize("name", DECIMALS)
@pytest.mark.parametrize("text", ZEROS)
def test_zero_is_zero_however_it_is_written(name: str, text: str) -> None:
    delta = read(event(**{name: text}), (), TagTable())
    assert isinstance(delta, Delta)
    [zero] = [each for each in msgspec.structs.astuple(delta.row) if isinstance(each, Decimal) and not each]
    exponent = zero.as_tuple().exponent
    assert isinstance(exponent, int)
    assert -MAX_PLACES <= exponent < MAX_DIGITS


@pytest.mark.parametrize("text", ["0.10", "1e29", "-12.5", LARGEST, SMALLEST, "1." + "0" * 60])
def test_a_number_within_bounds_keeps_its_value(text: str) -> None:
    delta = read(event(BilledCost=text, PricingQuantity=text), (), TagTable())
    assert isinstance(delta, Delta)
    assert delta.row.billed_cost == delta.row.pricing_quantity == Decimal(text)


@given(st.lists(st.dictionaries(st.sampled_from(DECIMALS), NUMBERS | st.integers()), min_size=2, max_size=5))
def test_whatever_numbers_are_sent_their_rows_are_refused_or_can_be_folded(sent: list[dict[str, Any]]) -> None:
    read_as = [read(event(**each, BillingCurrency=("USD", "EUR")[len(each) % 2]), (), TagTable()) for each in sent]
    accepted = [one._replace(id=str(at)) for at, one in enumerate(read_as) if isinstance(one, Delta)]
    stored = Stored()
    for at, delta in enumerate(accepted):
        fold = stored.fold((at, delta), rates=RATES)
        stored.write(fold)
        assert not fold.folded.rejected
    assert {type(one) for one in read_as} <= {Delta, Rejected}


def test_as_many_rows_as_there_can_be_of_the_largest_and_the_smallest_are_summed() -> None:
    month = Month(2026, 11)
    smallest = RATES.convert(Decimal(SMALLEST), "EUR", "USD", month)
    dear = Rates(own=[OwnRate(month, "EUR", "USD", Decimal("1.234567891e+6"))])
    of_all = multiply(dear.convert(Decimal(LARGEST), "EUR", "USD", month), Decimal(10**12))
    assert add_up([of_all, smallest, of_all.copy_negate()]) == smallest


def test_a_header_without_a_value_is_as_one_that_is_not_there() -> None:
    data = msgspec.json.encode(msgspec.json.decode(event())["data"])
    headers: list[tuple[str, Any]] = [("ce_specversion", b"1.0"), ("ce_id", b"7"), ("ce_source", b"/y")]
    kind = ("ce_type", BILLING_DELTA.encode())
    assert isinstance(read(data, [*headers, kind, ("ce_time", None)], TagTable()), Delta)
    for missing in range(len(headers)):
        without = [(name, None if at == missing else text) for at, (name, text) in enumerate(headers)]
        assert isinstance(read(data, [*without, kind], TagTable()), Rejected)
    assert isinstance(read(data, [*headers, ("ce_type", None)], TagTable()), Rejected)


NAMES = st.sampled_from(["specversion", "id", "source", "type", "ordinal", "time"]).map("ce_{}".format) | st.text()
TEXTS = st.none() | st.binary() | st.sampled_from([b"1.0", b"1", BILLING_DELTA.encode(), EDITION_CLOSED.encode()])


@given(st.lists(st.tuples(NAMES, TEXTS)), st.sampled_from([event(), b"{}", b"null"]) | st.binary())
def test_whatever_headers_are_sent_there_is_a_charge_or_a_reason(headers: list[tuple[str, Any]], value: bytes) -> None:
    assert isinstance(read(value, headers, TagTable()), Delta | Edition | Rejected)


@pytest.mark.parametrize("name", ["written", "latest", "rows", "rejected", "billed_until"])
@pytest.mark.parametrize("number", [10**12 * 10**6, -(10**18), 2**70])
def test_an_edition_of_no_time_or_size_is_refused(name: str, number: int) -> None:
    closed = Edition("s", "", "a", 1, final=True, latest=1, rows=1, rejected=0, content="0")
    data = msgspec.to_builtins(closed) | {name: number}
    value = msgspec.json.encode({"id": "1", "source": "/x", "type": EDITION_CLOSED, "data": data})
    refused = read(value, (), TagTable())
    assert isinstance(refused, Rejected)
    assert name in refused.reason


LONG = "t" * 400_000


def with_names(**names: str) -> Delta:
    found = read(event(**COSTS, **names), (), TagTable())
    assert isinstance(found, Delta), found
    return found


COSTS = {"BilledCost": "1.00"}


@pytest.mark.parametrize(
    "name", ["x_Tenant", "x_Team", "ServiceName", "SubAccountId", "SkuId", "RegionId", "PricingUnit"]
)
def test_a_name_that_no_key_can_hold_is_cut_and_money_counts_by_names_that_stay_different(name: str) -> None:
    one, other = with_names(**{name: LONG + "a"}), with_names(**{name: LONG + "b"})
    stored = Stored().fold((0, one), (1, other._replace(id="2")))
    keys = [*stored.folded.sums, *stored.folded.details]
    billed_and_effective = Decimal("4.50")
    assert sum(row.amount for row in stored.folded.sums.values()) == billed_and_effective
    assert len(stored.folded.details) == 2
    assert all(len(repr(key)) < 1_000 for key in keys)


def test_a_tag_that_no_key_can_hold_is_cut_likewise() -> None:
    found = read(event(**COSTS, Tags={"tenant": LONG}), (), TagTable())
    assert isinstance(found, Delta)
    assert found.row.tenant.startswith("ttt")
    assert len(found.row.tenant) == 256


def test_a_statement_that_no_key_can_hold_is_refused() -> None:
    found = read(event(**COSTS, x_Statement=LONG), (), TagTable())
    assert isinstance(found, Rejected)
    assert "x_Statement" in found.reason or "statement" in found.reason
