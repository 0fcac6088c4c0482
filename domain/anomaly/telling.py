"""When to speak: what is told is told once, and a series that gives occasion all the time has to be odder."""

from __future__ import annotations

import math
from typing import Final


class Telling:
    """Turns how odd a value is (above 1 is odd) into whether to tell of it, 1 or more.

    After something was told the next `REST` values are quiet, unless one is `LOUDER` times odder than it. Each telling
    raises the bar by `RISE`, which wears off over `MEMORY` values: noise that is wild by nature is soon told of about
    once in `MEMORY` values, whatever its tail. The bar never falls below 1.

    It begins as after a telling, with a rest and the bar raised: nothing is told before `KNOWN` values were seen. The
    next of n values that are drawn alike is a new high or low with probability 2 / (n + 1): one in ten, by then.
    """

    __slots__ = ("_bar", "_since", "_told")

    KNOWN: Final = 19
    REST: Final = 80
    LOUDER: Final = 3.0
    RISE: Final = 0.08
    MEMORY: Final = 1200
    QUIET: Final = 0.3  # at most, of what is odd and not told
    _UP: Final = math.exp(RISE)
    _DOWN: Final = math.exp(-RISE / MEMORY)

    def __init__(self) -> None:
        self._bar = self._UP
        self._since = self.REST - 1 - self.KNOWN
        self._told = math.inf  # nothing is louder: the rest at the beginning is one without exception

    def score_one(self, oddness: float) -> float:
        """Return what is left of an oddness: 1 or more is told."""
        odd = oddness / self._bar
        rested = self._since + 1 >= self.REST or odd > self.LOUDER * self._told
        return odd if rested else self.QUIET * min(odd, 1.0)

    def learn_one(self, told: float) -> None:
        """Take in what `score_one` returned."""
        self._since += 1
        self._bar = max(1.0, self._bar * self._DOWN)
        if told >= 1.0:
            self._since, self._told = 0, told
            self._bar *= self._UP
