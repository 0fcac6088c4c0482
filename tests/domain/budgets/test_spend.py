from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from domain.budgets import Slot, Spend, decode_spends, encode_spends, post, spent

TOTALS = st.dictionaries(
    st.integers(0, 7), st.lists(st.decimals(0, 100, places=6), min_size=1, max_size=8), min_size=1, max_size=8
)


def spend(partition: int, version: int, amount: Decimal) -> Spend:
    return Spend("b-1", 1, 0, partition, version, amount, 60)


@given(TOTALS, st.data())
def test_n_partitions_do_not_inflate_spend_however_they_interleave_and_repeat(
    totals: dict[int, list[Decimal]], data: st.DataObject
) -> None:
    sent = [
        spend(partition, version, amount)
        for partition, amounts in totals.items()
        for version, amount in enumerate(amounts)
    ]
    repeats = data.draw(st.lists(st.sampled_from(sent), max_size=20))
    slots: tuple[Slot, ...] = ()
    for one in data.draw(st.permutations(sent + repeats)):
        slots = post(slots, one)
    assert spent(slots) == sum(amounts[-1] for amounts in totals.values())


def test_a_total_of_the_same_version_is_newer_when_it_comes_later() -> None:
    slots = post(post((), spend(0, 5, Decimal(1))), spend(0, 5, Decimal(2)))
    assert spent(slots) == 2


def test_a_correction_lowers_the_sum() -> None:
    slots = post(post((), spend(0, 1, Decimal(9))), spend(0, 2, Decimal(4)))
    assert spent(slots) == 4


def test_amounts_survive_the_wire_to_the_last_digit() -> None:
    amount = Decimal("12345678901234567890.000000000000000001")
    assert decode_spends(encode_spends([spend(0, 1, amount)])) == [spend(0, 1, amount)]
