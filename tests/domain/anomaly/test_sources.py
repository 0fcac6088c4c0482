"""When an hour is over: never before every source partition has delivered it, or is proven to be at its end."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.anomaly.sources import CALM, GRACE, LIVE, PATIENCE, STILL, Report, Sources
from domain.windows import DAY, HOUR

START = 1_788_134_400
LATER = START + 60 * DAY
Event = tuple[int, int]  # appended at, event time


@dataclass
class Partition:
    """A partition of usage in a broker, and a worker that reads it in bursts; `sent` waits to reach the owner."""

    log: list[Event]
    read: int = 0
    moved: int = 0
    sent: list[tuple[int, Report]] = field(default_factory=list)

    def work(self, now: int, rng: random.Random) -> None:
        there = sum(at <= now for at, _ in self.log)
        if self.read < there and rng.random() < 0.5:
            self.read = min(there, self.read + rng.randint(1, 6))
            self.moved = now
        newest = self.log[self.read - 1][1] if self.read else 0
        ended = now if self.read == there else 0
        still = ended - self.moved if ended else 0
        self.sent.append((self.read, Report(self.read, newest, newest, ended, still)))


def played(rng: random.Random, partitions: int, hours: int) -> list[list[Event]]:
    """Return history that is appended with pauses; an hour reaches all partitions within less than `CALM` seconds."""
    logs: list[list[Event]] = [[] for _ in range(partitions)]
    now = LATER
    for hour in range(hours):
        now += rng.choice((1, 2, 5, 30, 200))
        for log in logs:
            at = max(now + rng.randint(0, CALM - 2), log[-1][0] if log else 0)
            log += [(at, START + hour * HOUR + minute * 60) for minute in sorted(rng.sample(range(60), 2))]
    return logs


@settings(max_examples=60)
@given(st.integers(0, 1_000_000), st.integers(1, 4), st.integers(2, 20))
def test_no_hour_of_history_is_closed_before_all_of_it_has_come_however_slowly_it_is_read(
    seed: int, partitions: int, hours: int
) -> None:
    rng = random.Random(seed)  # noqa: S311 - a schedule, not a secret
    world = [Partition(log, moved=LATER) for log in played(rng, partitions, hours)]
    sources, delivered, closed = Sources(partitions), [0] * partitions, START
    speeds = [rng.choice((0.01, 0.1, 0.9)) for _ in world]
    end = max(log[-1][0] for log in (each.log for each in world)) + 40 * STILL
    for now in range(LATER, end):
        for number, partition in enumerate(world):
            if now % 2 == 0 and (rng.random() < speeds[number] or now > end - 20 * STILL):
                partition.work(now, rng)
            while partition.sent and rng.random() < 0.5:
                delivered[number], report = partition.sent.pop(0)
                sources.hear(number, report, now)
        closed = sources.closed_until(closed, now)
        for number, partition in enumerate(world):
            assert all(time >= closed for _, time in partition.log[delivered[number] :])
    assert closed == START + (hours - 1) * HOUR, "in the end all is closed but the newest hour"


def heard(*reports: Report, now: int = LATER) -> Sources:
    sources = Sources(len(reports))
    for partition, report in enumerate(reports):
        sources.hear(partition, report, now)
    return sources


def test_an_hour_is_over_when_the_slowest_is_five_minutes_past_it() -> None:
    ahead, behind = START + 9 * HOUR, START + HOUR + GRACE
    assert heard(Report(1, ahead), Report(1, behind - 1)).closed_until(START, LATER) == START
    assert heard(Report(1, ahead), Report(1, behind)).closed_until(START, LATER) == START + HOUR


def test_nothing_is_closed_before_every_source_partition_was_heard_of() -> None:
    sources = Sources(2)
    sources.hear(0, Report(1, START + DAY), LATER)
    assert sources.closed_until(START, LATER) == START


def test_one_that_stopped_is_given_up_some_time_after_another_has_passed_the_hour() -> None:
    sources = heard(Report(9, START + 5 * HOUR), Report(5, START, START, LATER + STILL - 1, 10 * STILL))
    assert sources.closed_until(START, LATER) == START
    sources.hear(1, Report(5, START, START, LATER + STILL, 10 * STILL), LATER + STILL)
    assert sources.closed_until(START, LATER + STILL) == START + 4 * HOUR


def test_one_that_is_at_its_end_every_now_and_then_is_waited_for() -> None:
    sources = heard(Report(9, START + 5 * HOUR), Report(5, START, START, LATER + DAY, STILL - 1))
    assert sources.closed_until(START, LATER + DAY) == START


def test_a_partition_that_never_had_an_event_holds_nobody_up() -> None:
    sources = heard(Report(9, START + 5 * HOUR), Report(-1, 0, 0, LATER + STILL, 10 * STILL))
    assert sources.closed_until(START, LATER + STILL) == START + 4 * HOUR


def test_live_one_that_stops_is_given_up_a_quarter_of_an_hour_after_the_hour() -> None:
    end = START + HOUR
    sources = heard(Report(9, end + GRACE), Report(5, end - 60, end - 60, end + 899, 900), now=end + GRACE)
    assert sources.closed_until(START, end + 899) == START
    sources.hear(1, Report(5, end - 60, end - 60, end + GRACE + PATIENCE, 960), end + GRACE + PATIENCE)
    assert sources.closed_until(START, end + GRACE + PATIENCE) == end


def test_when_everything_stops_the_clock_goes_on_if_it_was_live_and_else_the_newest_hour_is_the_last() -> None:
    newest = START + 5 * HOUR + 60
    live = newest + LIVE - 120
    assert heard(Report(1, newest, newest, live, STILL)).closed_until(START, live) == START + 7 * HOUR
    assert heard(Report(1, newest, newest, LATER, STILL)).closed_until(START, LATER) == START + 5 * HOUR


def test_what_was_reported_before_what_is_known_does_not_count_as_an_end() -> None:
    sources = heard(Report(9, START + HOUR, START + HOUR))
    sources.hear(0, Report(5, START, START, LATER, 10 * STILL), LATER)
    assert not sources.calm


def test_a_sender_whose_clock_is_ahead_closes_nothing_before_its_time() -> None:
    assert heard(Report(1, START + 30 * DAY)).closed_until(START, START + HOUR + 60) == START + HOUR
