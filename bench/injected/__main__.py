"""`python -m bench.injected`: what is put into made-up traffic, and what is told of it; one JSON line per figure.

Companies of tenants with two features each, by noise and by how events come, at scales from cents to thousands a day;
each of some tenants has one thing wrong with it, as many have not. A false alarm is all that is told and not of what is
wrong; minutes are those of event time up to which the data was when it was told.
"""

from __future__ import annotations

import json
import random
import sys
from collections import defaultdict
from statistics import median
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.injected.playing import Playing
from bench.injected.traffic import START, Source, Wrong, wrongs
from domain.windows import DAY, HOUR

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from domain.anomaly.hours import HourLine

DAYS: Final = 40
WHEN: Final = START + 37 * DAY + 13 * HOUR + 600
LEAK: Final = START + 23 * DAY
CLEAN: Final = 6
FEATURES: Final = "search", "chat"


class Kind(NamedTuple):
    """How the events of a company come, and how noisy they are."""

    name: str
    spacing: int
    an_hour: float
    noise: float
    lasting: float


KINDS: Final = (
    Kind("every 5 min", 300, 12, 0.1, 0.05),
    Kind("every 5 min, noisy", 300, 12, 0.3, 0.1),
    Kind("every 10 min", 600, 6, 0.1, 0.05),
    Kind("every 15 min", 900, 4, 0.05, 0.05),
    Kind("every hour", 3600, 1, 0.1, 0.05),
    Kind("by chance, 12 an hour", 0, 12, 0.3, 0.05),
    Kind("by chance, 120 an hour", 0, 120, 0.3, 0.05),
    Kind("by chance, 600 an hour", 0, 600, 0.3, 0.1),
)
Company = list[tuple[Source, Wrong | None]]


def company(kind: Kind, seed: int, wrong: Sequence[Wrong | None]) -> Company:
    """Return a tenant for each of `wrong`, with a feature to which it happens and another."""
    rng = random.Random(f"{kind}{seed}")  # noqa: S311 - traffic, not a secret
    found: Company = []
    for number, one in enumerate(wrong):
        a_day = 10 ** rng.uniform(0.5, 3.5)
        for feature in FEATURES:
            size = a_day * rng.uniform(0.3, 1.0) / 24 / kind.an_hour
            source = Source(
                f"t{number}", feature, f"{kind}{seed}{number}{feature}", kind.spacing, kind.an_hour, size,
                kind.noise, kind.lasting, rng.choice((0.3, 0.5, 0.8, 1.0)),
            )  # fmt: skip
            found.append((source, one if feature == FEATURES[0] else None))
    return found


def play(made: Company, start: int, end: int) -> Playing:
    """Play the traffic of a company through detection."""
    streams = [source.windows(start, end, wrong) for source, wrong in made]
    playing = Playing()
    for hour in range(start, end, HOUR):
        playing.hour(hour, [_window(streams) for _ in range(12)])
    return playing


def _window(streams: Sequence[Iterator[HourLine | None]]) -> list[HourLine]:
    return [line for line in map(next, streams) if line is not None]


def told_of(playing: Playing, wrong: Sequence[Wrong | None]) -> tuple[dict[str, list[tuple[float, str]]], int]:
    """Return minutes and kinds of what was told of each wrong thing, and how many other things were told."""
    found: defaultdict[str, list[tuple[float, str]]] = defaultdict(list)
    others = 0
    for identifier, at in playing.told:
        episode = playing.episodes[identifier]
        tenant = episode.scope.get("tenant")
        one = wrong[int(tenant[1:])] if tenant else None
        if one is not None and episode.first >= one.start - HOUR:
            found[one.name].append(((at - one.start) / 60, episode.kind))
        else:
            others += 1
    return found, others


def main(seeds: int = 2) -> None:
    """Print how often, and when, what is wrong is told, and what else is."""
    wrong: list[Wrong | None] = [*wrongs(WHEN, LEAK), *[None] * CLEAN]
    for kind in KINDS:
        all_found: defaultdict[str, list[list[tuple[float, str]]]] = defaultdict(list)
        others = 0
        for seed in range(seeds):
            found, more = told_of(play(company(kind, seed, wrong), START, START + DAYS * DAY), wrong)
            others += more
            for one in wrong:
                if one is not None:
                    all_found[one.name].append(found.get(one.name, []))
        for one in wrong:
            if one is not None:
                _print(kind, one, all_found[one.name])
        months = len(wrong) * len(FEATURES) * seeds * DAYS / 30
        figure = {"figure": "injected_false_alarms", "events": kind.name, "scope_months": round(months)}
        print(json.dumps(figure | {"false": others, "per_scope_month": round(others / months, 3)}), flush=True)


def _print(kind: Kind, one: Wrong, told: Sequence[Sequence[tuple[float, str]]]) -> None:
    first = [each[0] for each in told if each]
    figure = {
        "figure": "injected_told",
        "events": kind.name,
        "what": one.name,
        "of": len(told),
        "told": len(first),
        "in_time": sum(minutes <= one.minutes for minutes, _ in first),
        "right_kind": sum(any(each[1] in one.kinds for each in all_of_it) for all_of_it in told),
        "most_alarms": max(map(len, told)),
        "median_minutes": round(median(minutes for minutes, _ in first)) if first else None,
    }
    print(json.dumps(figure), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
