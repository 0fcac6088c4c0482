"""When a webhook is tried again, and when it is given up.

Back-off in steps of 1 s to 24 h over three days, each shortened by up to a fifth at random so that many
deliveries that failed together do not return together. `Retry-After` is honoured up to a day. 410 Gone ends
it at once; everything else that is not 2xx, redirects included, is tried again.
"""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final, NamedTuple

from domain.windows import DAY, HOUR, MINUTE

DELAYS: Final = (
    1,
    5,
    30,
    2 * MINUTE,
    10 * MINUTE,
    HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    DAY,
)
GIVE_UP_AFTER: Final = 3 * DAY
LONGEST_PAUSE: Final = DAY
JITTER: Final = 0.2
_OK: Final = range(200, 300)
_GONE: Final = 410
_MANY_DIGITS: Final = 12
_ASKS_TO_WAIT: Final = (429, 503)


class Answer(NamedTuple):
    """The endpoint answered; `retry_after` in seconds where it asked us to wait."""

    status: int
    retry_after: float | None = None


class Unreachable(NamedTuple):
    """No answer: refused, timed out, not resolved, not allowed. The reason holds no URL and no secret."""

    reason: str


class Delivered(NamedTuple):
    """The endpoint has the event."""

    status: int


class Retry(NamedTuple):
    """Try again at `at`; until `pause` (epoch seconds) the endpoint wants to hear nothing at all."""

    at: float
    reason: str
    pause: float | None = None


class GivenUp(NamedTuple):
    """No more attempts; `gone` when the endpoint said that it is no more."""

    reason: str
    gone: bool = False


Verdict = Delivered | Retry | GivenUp


def judge(outcome: Answer | Unreachable, *, attempts: int, first_at: float, now: float, chance: float) -> Verdict:
    """Decide what follows an attempt.

    `attempts` counts this one; `first_at` is when the delivery was first due; `chance` is uniform in [0, 1).
    """
    if isinstance(outcome, Answer) and outcome.status in _OK:
        return Delivered(outcome.status)
    if isinstance(outcome, Answer) and outcome.status == _GONE:
        return GivenUp("the endpoint answered 410 Gone", gone=True)
    reason = f"the endpoint answered {outcome.status}" if isinstance(outcome, Answer) else outcome.reason
    pause = _pause(outcome, now)
    at = next_attempt(attempts=attempts, now=now, chance=chance)
    if at is None or max(at, pause or 0) > first_at + GIVE_UP_AFTER:
        return GivenUp(f"{reason}; given up after {attempts} attempts")
    return Retry(max(at, pause or 0), reason, pause)


def next_attempt(*, attempts: int, now: float, chance: float) -> float | None:
    """Return when to try again after `attempts` failed ones; None when the schedule is exhausted."""
    if attempts > len(DELAYS):
        return None
    return now + DELAYS[attempts - 1] * (1 - JITTER * chance)


def _pause(outcome: Answer | Unreachable, now: float) -> float | None:
    if isinstance(outcome, Unreachable) or outcome.status not in _ASKS_TO_WAIT or outcome.retry_after is None:
        return None
    return now + min(outcome.retry_after, LONGEST_PAUSE)


def parse_retry_after(header: str | None, now: float) -> float | None:
    """Read `Retry-After` (RFC 9110: seconds, or a date) as seconds from now; None when it is neither."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        # So many digits are centuries: no need to convert a megabyte of them.
        return float(text) if len(text) < _MANY_DIGITS else float(LONGEST_PAUSE)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return max(0.0, (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now)
