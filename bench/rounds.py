"""Rounds: every contender once in each, one after the other, so that what else the machine does meets them all.

A ratio is taken within a round, between neighbours in time, and the figure is the median of these ratios: a slow minute
of the machine slows both sides of a ratio, but only some of the figures that a ratio of medians would be made of.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.processes import FailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.progress import Steps

SPEED = "events_per_second"
CPU = "cpu_s_per_million"

Figure = dict[str, Any]


class Contender(NamedTuple):
    """A name, and what measures it once, given the number of the round; it may raise `FailedError`."""

    name: str
    measure: Callable[[int], Figure]


@dataclass
class Results:
    """What was measured by contender, in the order of the rounds; `failed` holds reasons."""

    measured: dict[str, list[Figure]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def median(self, name: str, key: str) -> float:
        """Return the median of a figure over the rounds."""
        return float(median(one[key] for one in self.measured[name]))

    def by_round(self, name: str) -> Figure:
        """Return speed and CPU time of every round: how much they scatter tells how quiet the machine was."""
        rounds = self.measured[name]
        return {
            "by_round": {SPEED: [round(one[SPEED]) for one in rounds], CPU: [round(one[CPU], 2) for one in rounds]},
        }

    def ratio(self, name: str, peer: str, key: str = SPEED) -> float | None:
        """Return the median over the rounds of how many times a figure is the peer's; None when one has failed."""
        if not {name, peer} <= self.measured.keys():
            return None
        pairs = zip(self.measured[name], self.measured[peer], strict=True)
        return round(float(median(own[key] / other[key] for own, other in pairs)), 3)


def interleave(contenders: Sequence[Contender], rounds: int, steps: Steps) -> Results:
    """Measure all contenders `rounds` times; one that fails twice in a round is out."""
    results = Results()
    for number in range(rounds):
        for name, measure in contenders:
            with steps.step(f"round {number + 1}/{rounds} {name}"):
                if name in results.failed:
                    continue
                found = _measured(measure, number)
                if isinstance(found, FailedError):
                    results.failed[name] = str(found)
                    results.measured.pop(name, None)
                else:
                    results.measured.setdefault(name, []).append(found)
    return results


def _measured(measure: Callable[[int], Figure], number: int) -> Figure | FailedError:
    """Measure once, and once more if that fails: a peer that hangs now and then (Faust's `take`) is to be compared."""
    try:
        return measure(number)
    except FailedError:
        try:
            return measure(number)
        except FailedError as error:
            return error
