"""Amounts and quantities as billing files write them, exact: the text is the number, no float in between.

Besides `-12.50` and `5.64902E-05` there are spreadsheets: `"$50,000.00 "`, `(12.50)`; and those of countries that
write decimals with a comma, `1.234,56`, whose files therefore separate cells with semicolons. What a comma means is
told by the file, never by the number: `1,234` is either.

More than 30 digits before the point, 50 behind it or 51 from the first to the last are damage, and would make exact
sums grow without bound: within these, a conversion adds some 20 digits, and 10^14 rows still sum exactly.
"""

from __future__ import annotations

import re
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_DIGITS: Final = 30
MAX_PLACES: Final = 50
_MAX_CHARS: Final = 120
# Its smallest number is 10^-50 and its largest below 10^30: what it holds unchanged is within bounds.
_BOUNDS: Final = Context(
    prec=MAX_PLACES + 1, Emin=0, Emax=MAX_DIGITS - 1, clamp=0, traps=[Inexact, Overflow, InvalidOperation]
)
# A group of thousands never begins with 0: `0,125` is an eighth, and not 125.
_SHEET: Final = re.compile(r"(\()?(-)?[$€£]?(-)?([1-9][0-9]{0,2}(?:,[0-9]{3})+|[0-9]+)(\.[0-9]+)?(\))?")
_COMMA_SHEET: Final = re.compile(
    r"(\()?(-)?[$€£]?(-)?([1-9][0-9]{0,2}(?:[. \u00a0\u202f][0-9]{3})+|[0-9]+)(,[0-9]+)? ?[$€£]?(\))?"
)


def parse_amount(text: str) -> Decimal:
    """Read a finite number; `ValueError` when it is none."""
    return _parse(text, _from_sheet)


def parse_comma_amount(text: str) -> Decimal:
    """Read a finite number of a file in which a comma begins decimals; one without a comma is read as any other."""
    return _parse(text, _from_comma_sheet)


def _parse(text: str, otherwise: Callable[[str], Decimal]) -> Decimal:
    try:
        # `Decimal` reads 1_0 and the digits of other scripts, too.
        amount = Decimal(text) if text.isascii() and "_" not in text else otherwise(text)
    except InvalidOperation:
        amount = otherwise(text)
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
    return _spelled(text, _SHEET, ",", ".")


def _from_comma_sheet(text: str) -> Decimal:
    return _spelled(text, _COMMA_SHEET, ". \u00a0\u202f", ",")


def _spelled(text: str, form: re.Pattern[str], separators: str, point: str) -> Decimal:
    found = form.fullmatch(text.strip())
    if found is None or (found[1] is None) != (found[6] is None) or (found[2] and found[3]):
        raise ValueError(f"{text[:40]!r} is not a number")
    whole = found[4].translate(dict.fromkeys(map(ord, separators)))
    amount = Decimal(whole + (found[5] or "").replace(point, "."))
    return amount.copy_negate() if found[1] or found[2] or found[3] else amount
