"""Amounts and quantities as billing files write them, exact: the text is the number, no float in between.

Besides `-12.50` and `5.64902E-05` there are spreadsheets: `"$50,000.00 "`, `(12.50)`. More than 30 digits before the
point or 60 behind it are damage, and would make exact sums grow without bound.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Final

MAX_DIGITS: Final = 30
MAX_PLACES: Final = 60
_SHEET: Final = re.compile(r"(\()?(-)?[$€£]?(-)?(\d{1,3}(?:,\d{3})+|\d+)(\.\d+)?(\))?")


def parse_amount(text: str) -> Decimal:
    """Read a finite number; `ValueError` when it is none."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = _from_sheet(text)
    if not is_money(amount) or len(text) > 2 * MAX_PLACES:
        raise ValueError(f"{text[:40]!r} is not a number that money can be")
    return amount


def is_money(amount: Decimal) -> bool:
    """Tell whether a number is finite, and of a size that money can have."""
    return amount.is_finite() and -MAX_PLACES <= amount.adjusted() < MAX_DIGITS


def _from_sheet(text: str) -> Decimal:
    found = _SHEET.fullmatch(text.strip())
    if found is None or (found[1] is None) != (found[6] is None) or (found[2] and found[3]):
        raise ValueError(f"{text[:40]!r} is not a number")
    amount = Decimal(found[4].replace(",", "") + (found[5] or ""))
    return amount.copy_negate() if found[1] or found[2] or found[3] else amount
