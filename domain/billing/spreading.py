"""Parts of purchases in later months: statements of these months, and parts of the edition that has the purchase.

A file whose purchases are spread over months to come is an edition of its own month and, for each later month, one of a
statement of that month: `provider/purchases/account/month`, with the month of the purchase before the name of its part.
There they give way to what amortises the month (`domain.billing.datasets`), and elsewhere nothing of them is known. So
the edition of the purchase says which statements it has parts in. Where the one that counts has none any more, and an
earlier one had, an edition without rows is told there in its stead: it is the newest, and takes the parts back.

Which ones those are is decided by the editions that are there, not by the order in which they came.
"""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from domain.billing.datasets import origin_of
from domain.billing.editions import Edition
from domain.billing.withdrawing import NO_ROWS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from domain.billing.row import BillingRow

_MONTHS: Final = 12
# Parts of a month end within the next one.
_LONGEST: Final = timedelta(days=62)


def in_its_month(row: BillingRow, dataset: str) -> BillingRow:
    """Return a part of a purchase as a row of the month (as long as the billing period) in which it is charged."""
    provider, _, account, period = row.statement.split("/")
    first = period_of(row)
    return msgspec.structs.replace(
        row, statement=f"{provider}/{dataset}/{account}/{first:%Y-%m-%d}", part=f"{period}/{row.part}"
    )


def period_of(row: BillingRow) -> datetime:
    """Return the first day of the billing period in which a part is charged, by that of its purchase."""
    start, day = row.billing_period_start, row.charge_period_start
    month = day.replace(day=1) if day.day >= start.day else months_after(day.replace(day=1), -1)
    return month.replace(day=min(start.day, monthrange(month.year, month.month)[1]))


def months_after(start: datetime, months: int) -> datetime:
    """Return the same day of a later month, or the last one of that month."""
    year, month = divmod(start.year * _MONTHS + start.month - 1 + months, _MONTHS)
    return start.replace(year=year, month=month + 1, day=min(start.day, monthrange(year, month + 1)[1]))


def tied(editions: Collection[Edition]) -> list[Edition]:
    """Return the editions of a delivery, those of purchases with the statements that they have parts in.

    Parts are final when the edition of their purchase is: so the newer of two has the newer parts.
    """
    by_key = {edition.key: edition for edition in editions}
    spreads: defaultdict[tuple[str, str, str], set[str]] = defaultdict(set)
    found = []
    for edition in editions:
        statement, part = origin_of(edition.statement, edition.part) or ("", "")
        purchase = by_key.get((statement, part, edition.assembly))
        if purchase is not None:
            spreads[purchase.key].add(edition.statement)
            found.append(msgspec.structs.replace(edition, final=purchase.final))
        else:
            found.append(edition)
    return [msgspec.structs.replace(each, spreads=tuple(sorted(spreads.get(each.key, ())))) for each in found]


def withdrawals(editions: Iterable[Edition]) -> list[Edition]:
    """Return, of the closed editions of one statement, those without rows that take parts of earlier ones back."""
    parts: defaultdict[str, list[Edition]] = defaultdict(list)
    for edition in sorted(editions, key=lambda each: each.age):
        parts[edition.part].append(edition)
    whole = parts[""][-1] if parts.get("") else None
    found = []
    for part, mine in sorted(parts.items()):
        newest = mine[-1]
        counts = newest if whole is None or newest.age > whole.age else whole
        left = set(counts.spreads) if counts.part == part else set()
        found += [_nothing(name, part, counts) for name in sorted({n for each in mine for n in each.spreads} - left)]
    return found


def and_withdrawals(editions: Iterable[Edition]) -> list[Edition]:
    """Return editions of any statements, and those that take back parts of theirs."""
    statements: defaultdict[str, list[Edition]] = defaultdict(list)
    for edition in editions:
        statements[edition.statement].append(edition)
    return [each for members in statements.values() for each in (*members, *withdrawals(members))]


def _nothing(statement: str, part: str, counts: Edition) -> Edition:
    period = counts.statement.rpartition("/")[2]
    month = datetime.strptime(statement.rpartition("/")[2], "%Y-%m-%d").replace(tzinfo=UTC)
    return Edition(
        statement=statement,
        part=f"{period}/{part}",
        assembly=counts.assembly,
        written=counts.written,
        final=counts.final,
        # Of editions written in the same second the one that charges until later is newer.
        latest=int((month + _LONGEST).timestamp()),
        rows=0,
        rejected=0,
        content=NO_ROWS,
    )
