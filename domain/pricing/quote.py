"""What a unit costs, and the name of that price."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from domain.money import quantity_to_text
from domain.windows import to_rfc3339

if TYPE_CHECKING:
    from decimal import Decimal


class Quote(NamedTuple):
    """A price: what one unit costs, in the reporting currency.

    `rates` is aligned with `TOKEN_CLASSES` for LLM tokens, one rate per token; `(rate,)` per metered unit
    otherwise. Two quotes with one id have the same rates: quantities priced by one id may be summed before
    they are priced.
    """

    id: str
    rates: tuple[Decimal, ...]


def named(sku: str, since: int | None, rates: tuple[Decimal, ...], *qualifiers: str) -> Quote:
    """Make a quote whose id is `<sku>@<since>[<qualifiers>]#<digest of the rates>`.

    `since` (epoch seconds) is when the price came into force: a date, a time where it is not midnight UTC,
    `base` when it was always so. The digest keeps ids apart when a price is corrected in place or depends on
    the hour.
    """
    text = " ".join(quantity_to_text(rate) for rate in rates)
    digest = hashlib.blake2b(text.encode(), digest_size=4).hexdigest()
    return Quote(f"{sku}@{_since(since)}{''.join(qualifiers)}#{digest}", rates)


def _since(since: int | None) -> str:
    return "base" if since is None else to_rfc3339(since).removesuffix("T00:00:00Z")
