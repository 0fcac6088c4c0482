"""The sample month: repeatable, in order, and with every kind of trouble in it."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal

import orjson
import pytest

from app.sample import RUNAWAY, Emission, Trouble, generate
from app.sample.company import ENVIRONMENTS, TENANTS, WORKLOADS
from domain.codec import decode
from domain.rejection import Rejected
from domain.usage import LLM_TOKENS, UsageEvent

MONTH = date(2026, 10, 1)
SCALE = 0.12


@pytest.fixture(scope="module")
def emissions() -> list[Emission]:
    return list(generate(7, MONTH, SCALE))


@pytest.fixture(scope="module")
def valid(emissions: list[Emission]) -> list[UsageEvent]:
    decoded = [decode(emission.value) for emission in emissions if emission.trouble is not Trouble.MALFORMED]
    return [event for event in decoded if not isinstance(event, Rejected)]


def digest(emissions: list[Emission]) -> str:
    return hashlib.sha256(b"\n".join(emission.value for emission in emissions)).hexdigest()


def test_same_seed_gives_the_same_bytes(emissions: list[Emission]) -> None:
    assert digest(list(generate(7, MONTH, SCALE))) == digest(emissions)


def test_another_seed_gives_other_events_that_cannot_be_taken_for_duplicates(
    emissions: list[Emission],
) -> None:
    other = list(generate(8, MONTH, SCALE))
    assert not {emission.key for emission in other} & {emission.key for emission in emissions}


def test_another_day_of_the_month_is_the_same_month(emissions: list[Emission]) -> None:
    assert digest(list(generate(7, date(2026, 10, 23), SCALE))) == digest(emissions)


def test_every_event_that_is_not_malformed_is_valid_by_the_contract(
    emissions: list[Emission], valid: list[UsageEvent]
) -> None:
    assert len(valid) == sum(emission.trouble is not Trouble.MALFORMED for emission in emissions)


def test_every_malformed_event_is_rejected_with_a_reason(emissions: list[Emission]) -> None:
    outcomes = [decode(emission.value) for emission in emissions if emission.trouble is Trouble.MALFORMED]
    assert outcomes
    assert all(isinstance(outcome, Rejected) and outcome.reason for outcome in outcomes)


def test_every_kind_of_trouble_is_there_and_stays_small(emissions: list[Emission]) -> None:
    counts = Counter(emission.trouble for emission in emissions)
    shares = {trouble: counts[trouble] / len(emissions) for trouble in Trouble}
    assert 0.005 < shares[Trouble.DUPLICATE] < 0.015
    assert 0.005 < shares[Trouble.UNLABELLED] < 0.015
    assert 0.010 < shares[Trouble.LATE] < 0.020
    assert 0.001 < shares[Trouble.MALFORMED] < 0.004


def test_every_event_happens_inside_the_month(valid: list[UsageEvent]) -> None:
    start, end = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
    assert all(start <= event.time < end for event in valid)


def test_punctual_events_arrive_in_order_of_time_and_late_ones_at_least_an_hour_after(
    emissions: list[Emission],
) -> None:
    newest = datetime(2026, 10, 1, tzinfo=UTC)
    for emission in emissions:
        if emission.trouble not in {Trouble.NONE, Trouble.UNLABELLED, Trouble.LATE}:
            continue
        event = decode(emission.value)
        assert isinstance(event, UsageEvent)
        behind = (newest - event.time).total_seconds()
        # A late event may arrive when nothing newer is there to tell: the month is over.
        assert emission.trouble is Trouble.LATE or behind < 3
        newest = max(newest, event.time)


def test_a_duplicate_repeats_an_earlier_event_byte_for_byte(emissions: list[Emission]) -> None:
    seen: dict[bytes, bytes] = {}
    for emission in emissions:
        if emission.trouble is Trouble.DUPLICATE:
            assert seen[emission.key] == emission.value
        else:
            assert emission.key not in seen
            seen[emission.key] = emission.value


def test_an_unlabelled_event_misses_one_dimension(emissions: list[Emission]) -> None:
    stripped = [
        orjson.loads(emission.value)["data"] for emission in emissions if emission.trouble is Trouble.UNLABELLED
    ]
    labels = {"tenant", "environment", "feature", "service", "team"}
    assert {len(labels - data.keys()) for data in stripped} == {1}


def test_the_whole_company_reports(valid: list[UsageEvent]) -> None:
    assert {event.data.tenant for event in valid} - {None} == {tenant.name for tenant in TENANTS}
    assert {event.data.environment for event in valid} - {None} == {name for name, _ in ENVIRONMENTS}
    assert {event.data.resource_type for event in valid} == {item.resource_type for item in WORKLOADS}


def test_the_runaway_feature_takes_off_in_the_last_third(valid: list[UsageEvent]) -> None:
    tokens: Counter[int] = Counter()
    for event in valid:
        data = event.data
        if (data.tenant, data.feature, data.resource_type) == (RUNAWAY.tenant, RUNAWAY.feature, LLM_TOKENS):
            assert data.usage is not None
            tokens[event.time.day] += data.usage.input_tokens
    before = sum(tokens[day] for day in range(1, 22)) / 21
    after = sum(tokens[day] for day in range(23, 32)) / 9
    assert after > 10 * before


def test_scale_changes_how_much_there_is(emissions: list[Emission]) -> None:
    half = sum(1 for _ in generate(7, MONTH, SCALE / 2))
    assert half / len(emissions) == pytest.approx(0.5, abs=0.05)


def test_a_scale_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        generate(7, MONTH, 0)


def test_quantities_are_exact_decimals_of_at_most_four_places(valid: list[UsageEvent]) -> None:
    units = [event.data.units for event in valid if event.data.units is not None]
    assert units
    assert all(quantity == quantity.quantize(Decimal("0.0001")) for quantity in units)
