from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.allocation.patterns import make_pattern
from domain.money import add_up
from domain.reconciliation import Billed, Drift, Match, Metered, reconcile

DAY = 86_400
GPU = Match(
    "compute.gpu_hours",
    (make_pattern("provider", ["aws"]), make_pattern("service", ["AmazonEC2"]), make_pattern("sku", ["p4d*"])),
    Decimal(8),
)


def metered(units: str, amount: str, meter: str = "compute.gpu_hours", **more: Any) -> Metered:
    return Metered("aws", meter, 0, Decimal(units), Decimal(amount), **more)


def billed(amount: str, quantity: str | None = None, *, sku: str = "p4d.24xlarge", day: int = 0) -> Billed:
    number = None if quantity is None else Decimal(quantity)
    return Billed("aws", "AmazonEC2", sku, "compute", day, Decimal(amount), number)


def these(*values: object) -> tuple[object, ...]:
    """What is compared with plain numbers."""
    return values


def only(found: list[Drift]) -> Drift:
    (drift,) = found
    return drift


def test_a_wrong_price_explains_all_of_a_drift_and_its_correction_is_proposed() -> None:
    found = only(reconcile([metered("80", "160")], [billed("200", "10")], [GPU]))
    assert these(found.drift, found.drift_percent) == (40, 25)
    assert these(found.explained, found.unexplained) == (40, 0)
    assert these(found.metered_price, found.implied_price, found.proposed_price) == (2, Decimal("2.5"), Decimal("2.5"))


def test_usage_that_was_not_metered_stays_unexplained_and_proposes_no_price() -> None:
    found = only(reconcile([metered("60", "120")], [billed("160", "10")], [GPU]))
    assert these(found.drift, found.explained, found.unexplained) == (40, 0, 40)
    assert found.implied_price == found.metered_price == 2
    assert found.proposed_price is None


def test_price_and_volume_are_told_apart() -> None:
    found = only(reconcile([metered("60", "120")], [billed("200", "10")], [GPU]))
    # 60 hours at 2.50 instead of 2.00 are 30 more; the other 20 hours at 2.50 were not metered.
    assert these(found.drift, found.explained, found.unexplained) == (80, 30, 50)


def test_without_a_match_drivers_are_compared_and_nothing_is_explained() -> None:
    found = only(reconcile([metered("60", "120"), metered("9", "1", "compute.cpu_seconds")], [billed("200", "10")]))
    assert these(found.subject, found.metered, found.billed, found.unexplained) == ("compute", 121, 200, 79)
    assert these(found.explained, found.metered_quantity, found.billed_quantity, found.proposed_price) == (None,) * 4
    assert found.services == ("AmazonEC2/p4d.24xlarge",)


def test_a_bill_without_usage_and_usage_without_a_bill_are_compared_with_nothing() -> None:
    early, late = reconcile([metered("1", "2")], [billed("3", "1", day=DAY)], [GPU])
    assert these(early.metered, early.billed, early.drift_percent) == (2, 0, -100)
    assert these(late.metered, late.billed, late.drift_percent, late.unexplained) == (0, 3, None, 3)


def test_a_bill_that_tells_no_quantity_implies_the_price_of_what_was_metered_and_explains_nothing() -> None:
    found = only(reconcile([metered("2", "2")], [billed("3"), billed("2", "1")], [GPU]))
    assert these(found.billed_quantity, found.explained, found.unexplained) == (None, None, 3)
    assert these(found.implied_price, found.proposed_price) == (Decimal("2.5"), Decimal("2.5"))


def test_what_comes_to_the_bill_proposes_nothing() -> None:
    assert only(reconcile([metered("2", "2")], [billed("2")], [GPU])).proposed_price is None


def test_unpriced_usage_is_told_and_the_bill_proposes_its_price() -> None:
    found = only(reconcile([metered("8", "0", unpriced=3)], [billed("20", "1")], [GPU]))
    assert these(found.unpriced, found.proposed_price, found.unexplained) == (3, Decimal("2.5"), 0)
    assert these(found.metered, found.metered_price, found.drift) == (None, None, 20)


def test_the_farthest_apart_comes_first_on_a_day() -> None:
    found = reconcile(
        [metered("1", "2")], [billed("3", sku="t3"), billed("50", day=DAY), billed("9", sku="p4d")], [GPU]
    )
    assert [(each.day, each.subject) for each in found] == [
        (0, "compute.gpu_hours"), (0, "compute"), (DAY, "compute.gpu_hours"),
    ]  # fmt: skip


amounts = st.decimals(-(10**6), 10**6, places=8, allow_nan=False)
quantities = st.decimals(-(10**4), 10**4, places=4, allow_nan=False)


skus = st.sampled_from(["p4d", "t3"])
usages = st.builds(metered, quantities.map(str), amounts.map(str))
bills = st.builds(billed, amounts.map(str), st.none() | quantities.map(str), sku=skus)


@given(st.lists(usages), st.lists(bills))
def test_no_money_is_left_out_and_every_drift_is_explained_or_not(usage: list[Metered], bill: list[Billed]) -> None:
    found = reconcile(usage, bill, [GPU])
    assert add_up(each.metered or Decimal(0) for each in found) == add_up(each.amount for each in usage)
    assert add_up(each.billed for each in found) == add_up(each.amount for each in bill)
    for each in found:
        assert each.billed - (each.metered or 0) == each.drift == (each.explained or 0) + each.unexplained


def test_what_the_bill_says_is_summed_by_sku_and_unit_dearest_first() -> None:
    found = only(reconcile([], [billed("3", sku="a"), billed("8", "4", sku="b"), billed("1", "2", sku="b")], [])).skus
    assert [(each.sku, each.amount, each.quantity, each.price) for each in found] == [
        ("b", Decimal(9), Decimal(6), Decimal("1.5")),
        ("a", Decimal(3), None, None),
    ]
    assert add_up(each.amount for each in found) == 12
