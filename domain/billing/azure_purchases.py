"""Purchases of reservations and savings plans in an Azure export of actual cost, spread over what they pay for.

A purchase that is paid at once is spread over its `Term` (months), one that is paid monthly over a month, as purchases
of FOCUS are (`domain.billing.amortising`). The export of amortised cost tells the same, better, month by month: so the
parts of each month are a statement of that month, which gives way to the amortised one (`domain.billing.datasets`).
They are parts of the file that has the purchase: a newer edition of it replaces them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from domain.billing import amortising
from domain.billing.datasets import PURCHASES
from domain.billing.spreading import in_its_month, months_after

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from domain.billing.block import Block
    from domain.billing.formats import Columns
    from domain.billing.row import BillingRow

USES: Final = ("Term", "Frequency")
_TERM: Final = re.compile(r"(?P<months>\d{1,2})(?: months?)?|P(?P<duration>\d{1,2})M|P?(?P<years>[1-5]) ?Y(?:ears?)?")
_MONTHS: Final = 12
_MONTHLY: Final = "recurring"


def spread_purchases(block: Block, positions: Iterable[int], columns: Columns) -> None:
    """Spread the purchases at these positions: the first part stays, `following_days` makes the others."""
    purchased: list[datetime | None] = [None] * len(block)
    terms, frequencies = block.text("Term"), block.text("Frequency")
    for at in positions:
        if at in block.rejected or not columns["billed_cost"][at]:
            continue
        start = columns["charge_period_start"][at]
        months = 1 if (frequencies[at] or "").strip().casefold() == _MONTHLY else _months(terms[at] or "")
        if months is None:
            block.note(at, "a commitment, not spread: no term is told; the export of amortised cost tells it")
            continue
        end = months_after(start, months)
        columns["effective_cost"][at] = amortising.spread(columns["billed_cost"][at], start, end)[0].amount
        columns["charge_period_end"][at], purchased[at] = end, start
    columns["purchased"] = purchased


def following_days(block: Block, rows: Mapping[int, BillingRow]) -> list[BillingRow]:
    """Return a row for each day after the first of what is spread, in the statement of the day's billing period."""
    return [in_its_month(row, PURCHASES) for row in amortising.following_days(block, rows)]


def _months(text: str) -> int | None:
    found = _TERM.fullmatch(text.strip())
    if found is None:
        return None
    months = int(found["months"] or found["duration"] or 0) or int(found["years"] or 0) * _MONTHS
    return months or None
