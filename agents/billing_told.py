"""Which totals of bills a batch changes: what an edition that was closed changes of its statement, and single rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.billing.books import LOOSE, SumKey
from domain.billing.datasets import dependents, sibling, tells
from domain.money import ZERO, add_up
from domain.sources import parse
from domain.totals import Total
from domain.windows import DAY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from domain.billing.books import Folded, StatementRow
    from domain.billing.charges import ChargeKey
    from tables.bills import Bills


def told(bills: Bills, folded: Folded, published: int) -> Iterator[tuple[ChargeKey, Total]]:
    """Yield the totals that are not as they were when the record at offset `published` was folded."""
    others = {other for name in folded.closed for other in dependents(name)}
    for name in sorted(folded.closed | others):
        statement = bills.statement(name)
        if statement is not None:
            yield from _changed(bills, name, statement, published)
    loose = bills.statement(LOOSE)
    if loose is not None:
        for key, row in folded.sums.items():
            if key.statement == loose.number:
                yield key.charge, _as_total(key.charge, loose.number, row.version, row.rows, row.amount)


def _changed(bills: Bills, name: str, statement: StatementRow, published: int) -> Iterator[tuple[ChargeKey, Total]]:
    """Yield charges that come to something else by the editions that count now; the version is the newest's end."""
    before, after = _Figures(bills, name, statement, published), _Figures(bills, name, statement, None)
    version = max(before.newest, after.newest)
    places = sorted({*before.places, *after.places})
    for at, place in enumerate(places):
        for charge in bills.charges(statement.number, place):
            if any(bills.sum(SumKey(statement.number, earlier, charge)) for earlier in places[:at]):
                continue
            rows, amount = after.of(charge)
            if (rows, amount) != before.of(charge):
                yield charge, _as_total(charge, statement.number, version, rows, amount)


class _Figures:
    """What the editions of a statement that count, or counted up to an offset, say of each charge."""

    def __init__(self, bills: Bills, name: str, statement: StatementRow, until: int | None) -> None:
        other_name = sibling(name)
        other = None if other_name is None else bills.statement(other_name)
        self.places = statement.standing(until)
        self.newest = max(each.closed_at for known in (statement, other) if known for each in known.editions)
        self._bills = bills
        self._name = name
        self._number = statement.number
        self._told_elsewhere = set() if other is None else _days(bills, name, other, until)

    def of(self, charge: ChargeKey) -> tuple[int, Decimal]:
        """Return rows and amount."""
        if charge.hour // DAY in self._told_elsewhere and not tells(self._name, parse(charge.source).basis):
            return 0, ZERO
        keys = [SumKey(self._number, place, charge) for place in self.places]
        found = [row for row in map(self._bills.sum, keys) if row is not None]
        return sum(row.rows for row in found), add_up(row.amount for row in found)


def _days(bills: Bills, name: str, other: StatementRow, until: int | None) -> set[int]:
    """Return the days that the sibling of a statement tells in its stead."""
    rivals = other.rivals_of(name, until)
    return {charge.hour // DAY for place in rivals for charge in bills.charges(other.number, place)}


def _as_total(charge: ChargeKey, statement: int, version: int, rows: int, amount: Decimal) -> Total:
    return Total(
        charge.hour, *charge[1:7], "", "", version=version, first=statement, events=rows, units=ZERO, amount=amount
    )
