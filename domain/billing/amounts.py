"""Amounts and quantities as billing files write them, exact: the text is the number, no float in between.

Besides `-12.50` and `5.64902E-05` there are spreadsheets: `"$50,000.00 "`, `(12.50)`. More than 30 digits before the
point, 50 behind it or 51 from the first to the last are damage, and would make exact sums grow without bound: within
these, a conversion adds some 20 digits, and 10^14 rows still sum exactly.
"""

from __future__ import annotations

import re
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow
from typing import Final

MAX_DIGITS: Final = 30
MAX_PLACES: Final = 50
_MAX_CHARS: Final = 120
# Its smallest number is 10^-50 and its largest below 10^30: what it holds unchanged is within bounds.
_BOUNDS: Final = Context(
    prec=MAX_PLACES + 1, Emin=0, Emax=MAX_DIGITS - 1, clamp=0, traps=[Inexact, Overflow, InvalidOperation]
)
_SHEET: Final = re.compile(r"(\()?(-)?[$€£]?(-)?([0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(\.[0-9]+)?(\))?")


def parse_amount(text: str) -> Decimal:
    """Read a finite number; `ValueError` when it is none."""
    try:
        # `Decimal` reads 1_0 and the digits of other scripts, too.
        amount = Decimal(text) if text.isascii() and "_" not in text else _from_sheet(text)
    except InvalidOperation:
        amount = _from_sheet(text)
    found = None if len(text) > _MAX_CHARS else bounded(amount)
    if found is None:
        raise ValueError(f"{text[:40]!r} is not a number that money can be")
    return found


def bounded(number: Decimal) -> Decimal | None:
    """Return a number with no more digits than can be summed, zeros at the ends cut; None when that changes it."""
    if not number.is_finite():
        return None
    try:
        return _BOUNDS.plus(number)
    except (Inexact, Overflow):
        return None


def _from_sheet(text: str) -> Decimal:
    found = _SHEET.fullmatch(text.strip())
    if found is None or (found[1] is None) != (found[6] is None) or (found[2] and found[3]):
        raise ValueError(f"{text[:40]!r} is not a number")
    amount = Decimal(found[4].replace(",", "") + (found[5] or ""))
    return amount.copy_negate() if found[1] or found[2] or found[3] else amount
