"""Columns come to the same sums as one value after the other, to the last digit, or say that they cannot."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.adapters.line_columns import Sums, add_up
from domain.money import EXACT

# As `format(..., "f")` writes them.
numbers = st.one_of(
    st.integers(-(10**12) + 1, 10**12 - 1).map(str),
    st.tuples(st.integers(-(10**20), 10**20), st.integers(0, 18)).map(
        lambda pair: format(EXACT.scaleb(Decimal(pair[0]), -max(pair[1], 9)), "f")
    ),
    st.sampled_from(["0", "-0", "0.00", "-0.000000000000000001", "999999999999.999999999999999999", "1.000000000"]),
)
counts = st.integers(0, 10**9)
lines = st.tuples(st.integers(-1, 3), st.integers(0, 10**18), counts, numbers, numbers, counts)


def spelled(line: tuple[int, int, int, str, str, int]) -> bytes:
    _, position, events, units, amount, unpriced = line
    return f"{position}|{events}|{units}|{amount}|{unpriced}".encode()


@given(st.lists(lines, min_size=1, max_size=20))
@example([(0, 10**30, 1, "0.1", "0.2", 0)])
def test_sums_are_exact(asked: list[tuple[int, int, int, str, str, int]]) -> None:
    expected: defaultdict[int, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 4)
    for place, _, *figures in asked:
        if place >= 0:
            added = [Decimal(str(figure)) for figure in figures]
            expected[place] = [EXACT.add(*pair) for pair in zip(expected[place], added, strict=True)]
    found = add_up([spelled(line) for line in asked], [line[0] for line in asked])
    assert found is not None
    assert {place: figures for place, *figures in found} == expected


def test_two_million_of_the_largest_numbers_do_not_overflow() -> None:
    largest = "999999999999.999999999999999999"
    found = add_up([f"1|1|-{largest}|{largest}|1".encode()] * 20_000, [0] * 20_000)
    assert found is not None
    # A hundred times as many are still below 2^63, which a sum of one limb must not reach.
    assert 2_000_000 * (10**12) < 2**63
    amount = EXACT.multiply(Decimal(largest), Decimal(20_000))
    assert list(found) == [Sums(0, 20_000, amount.copy_negate(), amount, 20_000)]


@pytest.mark.parametrize(
    "value",
    [
        "1|1|1|1000000000000|0",
        "1|1|1|0.0000000000000000001|0",
        "1|1|1e3|1|0",
        "1|1|1|NaN|0",
        "1|1|1|1.2.3|0",
        "1|1|1|--1|0",
        "1|1|1|1-|0",
        "1|1|1||0",
        "1|1|1|-|0",
        "1|1|1|.5|0",
        "1|1|1|1",
        "1|1|1|1|0|0",
        "1|1|1| 1|0",
        "",
    ],
)
def test_what_does_not_fit_is_told(value: str) -> None:
    assert add_up([b"1|1|1|1|0", value.encode()], [0, 0]) is None
    assert add_up([value.encode()], [0]) is None


def test_nothing_comes_to_nothing() -> None:
    found = add_up([b"1|1|1|1|0"], [-1])
    assert found is not None
    assert list(found) == []
