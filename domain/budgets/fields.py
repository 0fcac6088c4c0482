"""Fields that somebody wrote: each function returns the value, or raises `ValueError` with a sentence."""

from __future__ import annotations

import re
from decimal import Decimal
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from domain.money import EXACT

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

MAX_TEXT: Final = 256
# Few enough digits for every later product to be exact.
_DECIMAL: Final = re.compile(r"[+-]?[0-9]{1,25}(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,2})?")
_PRINTABLE: Final = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]+")


def known(keys: Iterable[str], expected: Collection[str], what: str) -> None:
    """Refuse a key that is not expected, naming the nearest one that is."""
    for key in keys:
        if key not in expected:
            raise ValueError(f"{key[:MAX_TEXT]!r} is not a field of a {what}{_nearest(key, expected)}")


def choice(value: Any, name: str, allowed: Collection[str], what: str | None = None) -> str:
    """Read one of a few words."""
    if not isinstance(value, str) or value not in allowed:
        expected = what or f"one of {', '.join(allowed)}"
        raise ValueError(f"{name}: {_shown(value)} is not {expected}{_nearest(str(value), allowed)}")
    return value


def text(value: Any, name: str) -> str:
    """Read a name: 1 to `MAX_TEXT` characters, none of them a control character."""
    if not isinstance(value, str) or len(value) > MAX_TEXT or not _PRINTABLE.fullmatch(value):
        raise ValueError(f"{name}: {_shown(value)} is not a text of 1 to {MAX_TEXT} printable characters")
    return value


def number(value: Any, name: str, *, most: Decimal, decimals: int) -> Decimal:
    """Read a number above 0 and at most `most`, with at most so many decimals; it may be a decimal string."""
    amount = _decimal(value, name)
    if not 0 < amount <= most:
        raise ValueError(f"{name}: {_shown(value)} is not above 0 and at most {most:f}")
    amount = amount.normalize(EXACT)
    if -int(amount.as_tuple().exponent) > decimals:
        raise ValueError(f"{name}: {_shown(value)} has more than {decimals} decimals")
    return amount


def _decimal(value: Any, name: str) -> Decimal:
    if isinstance(value, float):
        # The shortest decimal that reads back as this float is what its sender wrote.
        value = repr(value)
    written = "" if isinstance(value, bool) or not isinstance(value, str | int | Decimal) else str(value)
    if not _DECIMAL.fullmatch(written):
        raise ValueError(f"{name}: {_shown(value)} is not a decimal number")
    return Decimal(written)


def _shown(value: Any) -> str:
    return "the value" if isinstance(value, dict | list) else f"{str(value)[:64]!r}"


def _nearest(word: str, allowed: Iterable[str]) -> str:
    near = get_close_matches(word[:MAX_TEXT], allowed, n=1)
    return f"; did you mean {near[0]}?" if near else ""
