"""The month as it arrives: reports of all services on the clock, trouble mixed in, ordered by arrival.

Memory holds the events of one hour and those on their way (late and repeated ones), never the month.
"""

from __future__ import annotations

import calendar
import heapq
from datetime import UTC, date, datetime
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

import orjson
import xxhash

from app.sample.company import ENVIRONMENTS, REPLICAS, TENANTS, WORKLOADS, Workload
from app.sample.reports import Stream, report
from app.sample.trouble import (
    DUPLICATE_SHARE,
    Trouble,
    corrupt,
    draw,
    lateness,
    punctual_delay,
    repeat_delay,
    unlabel,
)
from domain.windows import DAY, HOUR, MINUTE

if TYPE_CHECKING:
    from collections.abc import Iterator


class Emission(NamedTuple):
    """One record as it arrives: JSON bytes, the event id that keys it, and what was done to it on purpose."""

    value: bytes
    key: bytes
    trouble: Trouble = Trouble.NONE


# Replicas report at the tick, give or take their own clocks.
SPREAD_SECONDS: Final = 50


class Runaway(NamedTuple):
    """The agent loop that nobody stopped: whose it is, and how hard it runs from its start."""

    tenant: str
    feature: str
    resource_type: str
    since: float  # share of the month gone when it starts
    load: float  # size of a report, times the usual: the context is never cleared
    peak: float  # reports by the end of the month, times the usual


RUNAWAY: Final = Runaway("initech", "research-agent", "third_party.llm_tokens", since=0.70, load=4.0, peak=12.0)


def generate(seed: int, month: date, scale: float = 1.0) -> Iterator[Emission]:
    """Yield the emissions of the calendar month of `month` (UTC), by arrival.

    `scale` is how busy the company is: 1 is about 165,000 events, 0.1 a tenth of them at a tenth of the cost.
    Every event's time lies inside the month; the last late ones arrive after its end. `ValueError` when
    `scale` is not positive.
    """
    if scale <= 0:
        raise ValueError("scale must be positive")
    return _Month(seed, month, scale).emissions()


class _Month:
    def __init__(self, seed: int, month: date, scale: float) -> None:
        name = f"{seed}/{month:%Y-%m}/{scale}"
        self._random = Random(name)  # noqa: S311 - sample data, not secrets
        self._first = datetime(month.year, month.month, 1, tzinfo=UTC)
        self._seconds = calendar.monthrange(month.year, month.month)[1] * DAY
        self._run = xxhash.xxh32_hexdigest(name.encode())
        self._prefix = f"{month:%Y-%m}-"
        self._streams = [(stream, share * scale) for stream, share in _streams()]
        self._made = 0
        # (arrival, order made, emission): the order breaks ties, so that emissions are never compared.
        self._under_way: list[tuple[float, int, Emission]] = []

    def emissions(self) -> Iterator[Emission]:
        for hour_start in range(0, self._seconds, HOUR):
            for stream, busy in self._streams:
                self._report_hour(stream, busy, hour_start)
            while self._under_way and self._under_way[0][0] < hour_start + HOUR:
                yield heapq.heappop(self._under_way)[2]
        while self._under_way:
            yield heapq.heappop(self._under_way)[2]

    def _report_hour(self, stream: Stream, busy: float, hour_start: int) -> None:
        """Make what one stream reports in one hour: some replicas at every tick of the interval."""
        every = stream.workload.minutes * MINUTE
        ticks = [at for at in range(hour_start, hour_start + HOUR, min(every, HOUR)) if at % every == 0]
        if not ticks:
            return
        gone = hour_start / self._seconds
        if _runs_away(stream) and gone >= RUNAWAY.since:
            climbed = (gone - RUNAWAY.since) / (1 - RUNAWAY.since)
            reports = self._whole(busy * len(ticks) * (2 + (RUNAWAY.peak - 2) * climbed))
            for _ in range(reports):
                self._emit(stream, hour_start + HOUR * self._random.random(), RUNAWAY.load)
            return
        load = self._load(stream, hour_start, gone)
        for tick in ticks:
            for _ in range(self._whole(busy)):
                self._emit(stream, tick + SPREAD_SECONDS * self._random.random(), load)

    def _whole(self, mean: float) -> int:
        """Round up or down at random, so that the mean stays."""
        return int(mean + self._random.random())

    def _load(self, stream: Stream, hour_start: int, gone: float) -> float:
        tenant = stream.tenant
        local = hour_start / HOUR + tenant.utc_offset
        weekday = int(self._first.weekday() + local // 24) % 7
        return stream.workload.rhythm(local % 24, weekday) * (1 + tenant.growth * (gone - 0.5))

    def _emit(self, stream: Stream, at: float, load: float) -> None:
        random = self._random
        event_id = f"{self._run}-{self._made:06x}"
        event = report(stream, event_id=event_id, time=self._rfc3339(at), load=load, random=random)
        trouble = draw(random)
        if trouble is Trouble.UNLABELLED:
            unlabel(event, random)
        value = corrupt(event, random) if trouble is Trouble.MALFORMED else orjson.dumps(event)
        emission = Emission(value, event_id.encode(), trouble)
        arrival = at + (lateness(random) if trouble is Trouble.LATE else punctual_delay(random))
        self._send(arrival, emission)
        if trouble is not Trouble.MALFORMED and random.random() < DUPLICATE_SHARE:
            self._send(arrival + repeat_delay(random), emission._replace(trouble=Trouble.DUPLICATE))

    def _send(self, arrival: float, emission: Emission) -> None:
        heapq.heappush(self._under_way, (arrival, self._made, emission))
        self._made += 1

    def _rfc3339(self, at: float) -> str:
        seconds = int(at)
        days, rest = divmod(seconds, DAY)
        hours, rest = divmod(rest, HOUR)
        milliseconds = int((at - seconds) * 1000)
        return f"{self._prefix}{days + 1:02d}T{hours:02d}:{rest // 60:02d}:{rest % 60:02d}.{milliseconds:03d}Z"


def _streams() -> Iterator[tuple[Stream, float]]:
    """Yield every stream with the mean number of replicas that report at each tick."""
    for tenant in TENANTS:
        for environment, share in ENVIRONMENTS:
            for workload in WORKLOADS:
                yield Stream(tenant, environment, workload), REPLICAS * tenant.activity * share


def _runs_away(stream: Stream) -> bool:
    workload: Workload = stream.workload
    return (
        stream.environment == "production"
        and stream.tenant.name == RUNAWAY.tenant
        and workload.feature == RUNAWAY.feature
        and workload.resource_type == RUNAWAY.resource_type
    )
