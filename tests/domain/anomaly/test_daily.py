"""The model of billed days: what is silent, what is found, what fits into a row; and on a month of real cost."""

from __future__ import annotations

import csv
import gzip
import random
from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.anomaly import daily
from domain.anomaly.bill_figures import Restated, decompose_bill, is_account
from domain.anomaly.billed import Bills
from domain.anomaly.bills import Billed, BillLine
from domain.anomaly.calendar import SATURDAY, AnomalySettings, weekday
from domain.anomaly.daily import DailyState, decode_daily, encode_daily
from domain.anomaly.hours import HourLine, Part
from domain.billing.charges import resource_type
from domain.windows import DAY

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from domain.anomaly.hours import ScopeKey

JULY = Path(__file__).parents[4] / "shared/data/real_aws_daily_2017/focus_2017-07.csv.gz"
START = 1_788_134_400  # a Monday
MAX_STATE = 4096


def odd_days(values: Sequence[float]) -> list[int]:
    state, found = DailyState(0, START - DAY), []
    for number, value in enumerate(values):
        day = START + number * DAY
        judged = daily.judge(state, day, value, 1.0, rest=weekday(day) >= SATURDAY)
        daily.learn(state, day, Billed({}, {}), judged, 1.0, odd=judged.odd)
        if state.odd == daily.ACCEPTED:
            daily.accept(state)
        if judged.odd:
            found.append(number)
    return found


def usual(days: int, seed: int, noise: float = 0.05) -> list[float]:
    rng = random.Random(seed)  # noqa: S311 - a series, not a secret
    rests = [0.5 if weekday(START + day * DAY) >= SATURDAY else 1.0 for day in range(days)]
    return [100 * rest * rng.uniform(1 - noise, 1 + noise) for rest in rests]


def test_half_a_year_of_ordinary_days_with_weekends_has_less_than_one_alarm_a_month() -> None:
    found = [day for seed in range(20) for day in odd_days(usual(180, seed)) if day > 14]
    assert len(found) <= 20 * 6 // 10


def test_a_spike_and_a_new_level_are_found_on_their_day_and_the_level_becomes_normal() -> None:
    values = usual(60, 1, noise=0.03)
    spiked = [*values[:40], values[40] * 2, *values[41:]]
    assert 40 in odd_days(spiked)
    shifted = [*values[:40], *(value * 1.6 for value in values[40:])]
    found = [day for day in odd_days(shifted) if day >= 40]
    assert (found[0], found[-1] < 40 + 2 * daily.ACCEPTED) == (40, True)


def test_what_comes_on_the_first_of_each_month_is_told_once_at_most() -> None:
    first = datetime.fromisoformat("2026-09-01T00:00:00+00:00").timestamp()
    days = [START + day * DAY for day in range(95)]
    monthly = [100.0 + 300.0 * (datetime.fromtimestamp(day, UTC).day == 1) for day in days]
    assert days[1] == first
    assert len([day for day in odd_days(monthly) if day > daily.WARM]) <= 1


def test_a_leap_day_has_no_twin_in_january() -> None:
    leap = int(datetime.fromisoformat("2028-02-29T00:00:00+00:00").timestamp())
    assert daily.same_day_of_month(leap, leap - 31 * DAY)
    assert not daily.same_day_of_month(leap, leap - 30 * DAY)


def test_a_state_is_one_small_row() -> None:
    state = DailyState(0, START - DAY)
    for day in range(70):
        parts = {f"{kind:012x}": part(1, Decimal("1e6"), Decimal("1e6")) for kind in range(60)}
        at = START + day * DAY
        judged = daily.judge(state, at, 6e7, 1.0, rest=False)
        originals = {f"C{number:02}": (Decimal(1), Decimal(2)) for number in range(9)}
        daily.learn(state, at, Billed(parts, originals), judged, 1.0, odd=False)
    row = encode_daily(state)
    assert len(row) <= MAX_STATE
    assert encode_daily(decode_daily(row)) == row


def part(events: int, units: Decimal, amount: Decimal) -> Part:
    made = Part()
    made.add(HourLine((), "compute.x", events, units, amount))
    return made


amounts = st.decimals(-1000, 1000, places=8)


@given(
    st.dictionaries(st.sampled_from("abcd"), st.tuples(amounts, amounts), max_size=4),
    st.decimals(0, 1000, places=6),
    st.dictionaries(st.sampled_from("abc"), st.lists(st.floats(0.01, 1000), min_size=2, max_size=2)),
    st.tuples(amounts, amounts),
    st.floats(0.1, 3),
)
def test_the_terms_sum_to_the_difference_to_the_last_digit(
    spent: dict[str, tuple[Decimal, Decimal]],
    expected: Decimal,
    kinds: dict[str, list[float]],
    restated: tuple[Decimal, Decimal],
    rate: float,
) -> None:
    parts = {name: part(1, units, amount) for name, (units, amount) in spent.items()}
    actual = sum((amount for _, amount in spent.values()), Decimal(0))
    state = DailyState(0, START, kinds=kinds, rates={"EUR": rate})
    terms = decompose_bill(Billed(parts, {"EUR": (actual, actual)}), expected, state, Restated(*restated))
    assert terms.difference == actual - expected


@pytest.mark.skipif(not JULY.exists(), reason=f"no {JULY}")
def test_a_month_of_real_cost_has_one_alarm_for_each_cause_and_none_for_the_total() -> None:
    days = _july()
    bills = Bills("aws", _NoStates(), {}, AnomalySettings(), lambda day: days.get(day, []))
    for day in sorted(days):
        for _ in bills.day(day):
            pass
    told = [bills.changed[each] for each in bills.opened]
    assert all(is_account(each.key) for each in told)
    assert len({each.key for each in told}) == len(told)
    assert sorted((datetime.fromtimestamp(each.first, UTC).day, *each.values) for each in told) == [
        (8, "acct-03", "EC2 Instance"),
        (9, "acct-06", "EC2 Instance"),
        (14, "acct-02", "EC2 Instance"),
        (14, "acct-02", "Elastic Compute Cloud"),
        (17, "acct-04", "EC2 Instance"),
        (20, "acct-01", "EC2 Instance"),
        (20, "acct-01", "Elastic Compute Cloud"),
        (21, "acct-01", "CloudWatch"),
        (25, "acct-01", "Config"),
        (25, "acct-02", "RDS Service"),
        (25, "acct-03", "Data Transfer"),
        (25, "acct-04", "Simple Storage Service"),
        (28, "acct-03", "Simple Storage Service"),
    ]


class _NoStates:
    def get(self, _: ScopeKey) -> DailyState | None:
        return None

    def known(self) -> Iterable[ScopeKey]:
        return ()


def _july() -> dict[int, list[BillLine]]:
    sums: defaultdict[tuple[int, str, str, str, str], Decimal] = defaultdict(Decimal)
    with gzip.open(JULY, "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            day = int(datetime.fromisoformat(row["ChargePeriodStart"]).timestamp())
            key = day, row["SubAccountId"], row["ServiceName"], row["SkuId"], row["RegionId"]
            sums[key] += Decimal(row["EffectiveCost"])
    days: defaultdict[int, list[BillLine]] = defaultdict(list)
    for (day, account, service, sku, region), cost in sums.items():
        scope = ("unattributed",) * 4 + (account,)
        kind = resource_type(None, service)
        days[day].append(BillLine(scope, kind, account, service, sku, region, "", 1, None, cost, cost, "USD"))
    return dict(days)
