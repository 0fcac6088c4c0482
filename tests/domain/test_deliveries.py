from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.deliveries import (
    DELAYS,
    GIVE_UP_AFTER,
    LONGEST_PAUSE,
    Answer,
    Delivered,
    GivenUp,
    Retry,
    Unreachable,
    Verdict,
    judge,
    parse_retry_after,
)
from domain.windows import DAY

chances = st.floats(0, 1, exclude_max=True)
NOW = 1_793_620_800.0


def verdict(outcome: Answer | Unreachable, *, attempts: int = 1, waited: float = 0, chance: float = 0) -> Verdict:
    return judge(outcome, attempts=attempts, first_at=NOW - waited, now=NOW, chance=chance)


@pytest.mark.parametrize("status", [200, 202, 204, 299])
def test_any_2xx_is_delivered(status: int) -> None:
    assert verdict(Answer(status)) == Delivered(status)


@pytest.mark.parametrize("status", [100, 199, 301, 302, 307, 308, 400, 401, 404, 429, 500, 503])
def test_everything_else_is_tried_again_redirects_included(status: int) -> None:
    got = verdict(Answer(status))
    assert isinstance(got, Retry)
    assert got.at == NOW + DELAYS[0]
    assert str(status) in got.reason


def test_no_answer_is_tried_again_with_its_reason() -> None:
    assert verdict(Unreachable("no answer within 10 s")) == Retry(NOW + 1, "no answer within 10 s")


def test_410_ends_it_at_the_first_attempt() -> None:
    got = verdict(Answer(410))
    assert isinstance(got, GivenUp)
    assert got.gone


@given(st.lists(chances, min_size=len(DELAYS), max_size=len(DELAYS)))
def test_a_dead_endpoint_is_tried_for_three_days_and_then_given_up(draws: list[float]) -> None:
    at, times = NOW, [NOW]
    for attempt, chance in enumerate(draws, start=1):
        got = judge(Unreachable("down"), attempts=attempt, first_at=NOW, now=at, chance=chance)
        assert isinstance(got, Retry)
        assert 0.79 * DELAYS[attempt - 1] < got.at - at < 1.01 * DELAYS[attempt - 1]
        at = got.at
        times.append(at)
    last = judge(Unreachable("down"), attempts=len(times), first_at=NOW, now=at, chance=0)
    assert isinstance(last, GivenUp)
    assert not last.gone
    assert "down" in last.reason
    assert 2 * DAY < times[-1] - NOW <= GIVE_UP_AFTER


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured_for_the_whole_endpoint(status: int) -> None:
    assert verdict(Answer(status, retry_after=90)) == Retry(NOW + 90, f"the endpoint answered {status}", pause=NOW + 90)


def test_retry_after_never_shortens_the_back_off() -> None:
    got = verdict(Answer(503, retry_after=1), attempts=4)
    assert isinstance(got, Retry)
    assert got.at == NOW + DELAYS[3]
    assert got.pause == NOW + 1


def test_retry_after_of_other_answers_is_ignored() -> None:
    assert verdict(Answer(500, retry_after=90)) == Retry(NOW + 1, "the endpoint answered 500")


def test_retry_after_is_a_day_at_most() -> None:
    got = verdict(Answer(429, retry_after=10 * DAY))
    assert isinstance(got, Retry)
    assert got.pause == NOW + LONGEST_PAUSE


def test_an_attempt_that_would_come_after_three_days_is_not_made() -> None:
    assert isinstance(verdict(Answer(500), waited=GIVE_UP_AFTER), GivenUp)
    assert isinstance(verdict(Answer(500), waited=GIVE_UP_AFTER - 2), Retry)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("120", 120),
        (" 0 ", 0),
        ("9" * 1_000_000, LONGEST_PAUSE),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("²", None),
        ("Mon, 02 Nov 2026 12:01:00 GMT", 60),
        ("Mon, 02 Nov 2026 12:01:00 -0000", 60),
        ("Mon, 02 Nov 2026 11:00:00 GMT", 0),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert parse_retry_after(header, NOW) == seconds


@given(st.text(max_size=40))
def test_a_foreign_retry_after_never_raises(header: str) -> None:
    assert (parse_retry_after(header, NOW) or 0) >= 0
