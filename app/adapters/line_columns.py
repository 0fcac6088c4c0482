"""Adding up the figures of many lines at once: the same exact sums, several times as fast as one by one.

A decimal is taken apart into its whole part and two times nine decimals, each a 64-bit integer: sums of millions of
them do not overflow. What does not fit (a million millions, a nineteenth decimal) is left to who adds one by one.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from domain.money import EXACT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

_SEPARATOR, _DOT, _MINUS, _ZERO = b"|.-0"
_FIELDS: Final = 5
_LIMB: Final = 9
# Of a whole number. 10^12 times the lines of one answer (some 10^6) is far from 2^63, and so are limbs of nine digits.
_DIGITS: Final = 12


class Sums(NamedTuple):
    """What the lines at one place come to; `place` is a number that the caller gave."""

    place: int
    events: int
    units: Decimal
    amount: Decimal
    unpriced: int


class _Text(NamedTuple):
    """Numbers in a text: where the digits of each begin, where its dot is or would be, where it ends."""

    text: NDArray[np.uint8]
    negative: NDArray[np.bool_]
    first: Ints
    dot: Ints
    end: Ints

    def column(self, field: int) -> _Text:
        """Return one field of every value."""
        at = slice(field, None, _FIELDS)
        return _Text(self.text, self.negative[at], self.first[at], self.dot[at], self.end[at])

    @property
    def fits(self) -> bool:
        """Tell whether no number is too long."""
        whole, decimals = self.dot - self.first, self.end - self.dot - 1
        return bool(np.all((whole > 0) & (whole <= _DIGITS) & (decimals <= 2 * _LIMB)))


def add_up(values: Sequence[bytes], places: Sequence[int]) -> Iterator[Sums] | None:
    """Add values up by place (0 and up, negative: leave it out); None when one of them does not fit."""
    at = np.array(places, np.int64)
    wanted = at >= 0
    numbers = _numbers(b"|".join(values) + b"|", len(values))
    if numbers is None:
        return None
    lines = np.bincount(at[wanted])
    totals = []
    for field in range(1, _FIELDS):
        column = numbers.column(field)
        if not column.fits:
            return None
        totals.append([_totals(limb[wanted], at[wanted], len(lines)) for limb in _limbs(column)])
    return _sums(lines.tolist(), totals)


def _totals(limb: Ints, places: Ints, count: int) -> list[int]:
    total = np.zeros(count, np.int64)
    np.add.at(total, places, limb)
    found: list[int] = total.tolist()
    return found


def _sums(lines: list[int], totals: list[list[list[int]]]) -> Iterator[Sums]:
    (events, *_), units, amounts, (unpriced, *_) = totals
    for place, count in enumerate(lines):
        if count:
            yield Sums(place, events[place], _joined(units, place), _joined(amounts, place), unpriced[place])


def _joined(limbs: list[list[int]], place: int) -> Decimal:
    found, exponent = limbs[0][place], 0
    for limb in limbs[1:]:
        found, exponent = found * 10**_LIMB + limb[place], exponent - _LIMB
    return EXACT.scaleb(Decimal(found), exponent) if exponent else Decimal(found)


def _numbers(spelled: bytes, values: int) -> _Text | None:
    """Find the numbers of values; None when something else is among them."""
    text = np.frombuffer(spelled, np.uint8)
    end = np.flatnonzero(text == _SEPARATOR)
    if len(end) != _FIELDS * values:
        return None
    start = np.concatenate(([0], end[:-1] + 1))
    negative = text[start] == _MINUS
    first = start + negative
    dots = np.append(np.flatnonzero(text == _DOT), len(text))
    dot = np.minimum(dots[np.searchsorted(dots, start)], end)
    # Neither a separator, nor the first dot of a number, nor a sign at its start is a digit: everything else must be.
    expected = np.sum(end - first) - np.count_nonzero(dot < end)
    if np.count_nonzero((text >= _ZERO) & (text < _ZERO + 10)) != expected:
        return None
    return _Text(text, negative, first, dot, end)


def _limbs(numbers: _Text) -> Iterator[Ints]:
    """Read the whole part, and nine decimals at a time for as long as there are any."""
    sign = np.where(numbers.negative, -1, 1)
    whole = np.zeros(len(sign), np.int64)
    for back in range(1, int((numbers.dot - numbers.first).max(initial=0)) + 1):
        at = numbers.dot - back
        whole += np.where(at >= numbers.first, _digit(numbers.text, at), 0) * 10 ** (back - 1)
    yield whole * sign
    longest = int((numbers.end - numbers.dot).max(initial=0))
    for skipped in range(1, longest, _LIMB):
        limb = np.zeros(len(sign), np.int64)
        for place in range(min(_LIMB, longest - skipped)):
            at = numbers.dot + skipped + place
            limb += np.where(at < numbers.end, _digit(numbers.text, at), 0) * 10 ** (_LIMB - 1 - place)
        yield limb * sign


def _digit(text: NDArray[np.uint8], at: Ints) -> Ints:
    # Where there is none, whatever is there is not used.
    return text.take(at, mode="clip").astype(np.int64) - _ZERO
