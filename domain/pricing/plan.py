"""Every price one kind of usage can have, laid out by when and how large: a look-up is two bisections.

A price depends on the date (a price log), for a few LLM models on the time of day, and on the size of the
context. Each is constant between known points, so a table over those points says the same as working it out
each time.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Final, NamedTuple

from domain.windows import DAY, floor

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Protocol

    from domain.pricing.quote import Quote

    class Pricing(Protocol):
        """How one kind of usage is priced, worked out at any instant (epoch seconds)."""

        def dates(self) -> Iterable[int]:
            """Return the instants at which a price may change for good."""

        def hours(self) -> Iterable[int]:
            """Return the seconds of the UTC day at which it may change each day."""

        def slot(self, at: int, clock: int) -> Slot:
            """Return the prices in force at `at`; those that depend on the time of day, as at `clock`."""


# Before every instant that an event can have.
ALWAYS: Final = -(2**62)


class Slot(NamedTuple):
    """Prices by context size: `quotes[i]` where `i` boundaries are below the input tokens; None: unpriced."""

    boundaries: tuple[int, ...]
    quotes: tuple[Quote | None, ...]

    def quote(self, input_tokens: int) -> Quote | None:
        """Return the price of the whole request; exactly at a boundary it is the lower tier's."""
        return self.quotes[bisect_left(self.boundaries, input_tokens)]


UNPRICED: Final = Slot((), (None,))


class Plan:
    """The table. `constant` tells that there is one price, `only`, whatever the time and size."""

    __slots__ = ("_hours", "_slots", "_starts", "constant", "only")

    def __init__(self, pricing: Pricing) -> None:
        self._starts = (ALWAYS, *sorted(set(pricing.dates())))
        self._hours = (0, *sorted(set(pricing.hours()) - {0}))
        self._slots = tuple(
            tuple(pricing.slot(start, floor(start, DAY) + hour) for hour in self._hours) for start in self._starts
        )
        first = self._slots[0][0]
        self.constant = len(self._starts) == len(self._hours) == len(first.quotes) == 1
        self.only = first.quotes[0]

    def quote(self, at: int, input_tokens: int) -> Quote | None:
        """Return the price at an instant of a request with so many input tokens."""
        by_hour = self._slots[bisect_right(self._starts, at) - 1]
        slot = by_hour[0] if len(by_hour) == 1 else by_hour[bisect_right(self._hours, at % DAY) - 1]
        return slot.quotes[bisect_left(slot.boundaries, input_tokens)]

    def slot(self, at: int) -> Slot:
        """Return the prices in force at an instant."""
        return self._slots[bisect_right(self._starts, at) - 1][bisect_right(self._hours, at % DAY) - 1]
