"""What bills come to, exactly, by service, category, kind, account, day and currency: for people, and for checks.

Totals are kept per edition, so that those of replaced editions can be left out. Memory is a cell for each combination
that occurs, not for each row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from domain.billing.block import Memo
from domain.billing.row import grouped
from domain.money import EXACT, ZERO

if TYPE_CHECKING:
    from collections.abc import Container, Sequence
    from datetime import datetime
    from decimal import Decimal

    from domain.billing.row import BillingRow

BY: Final = ("service", "category", "kind", "account", "day")
BASES: Final = ("billed", "effective", "contracted", "listed")
_add = EXACT.add


class Total(NamedTuple):
    """Rows, their cost on four bases, and how many rows do not tell the last three."""

    rows: int = 0
    billed: Decimal = ZERO
    effective: Decimal = ZERO
    contracted: Decimal = ZERO
    listed: Decimal = ZERO
    no_effective: int = 0
    no_contracted: int = 0
    no_listed: int = 0

    def plus(self, other: Total) -> Total:
        """Sum exactly."""
        return Total(
            self.rows + other.rows,
            _add(self.billed, other.billed),
            _add(self.effective, other.effective),
            _add(self.contracted, other.contracted),
            _add(self.listed, other.listed),
            self.no_effective + other.no_effective,
            self.no_contracted + other.no_contracted,
            self.no_listed + other.no_listed,
        )


_NOTHING: Final = Total()


class Totals:
    """Sums rows."""

    def __init__(self) -> None:
        self._cells: dict[tuple[str, str], dict[tuple[str, ...], list[Any]]] = {}
        self._days = Memo(_day)

    def add(self, rows: Sequence[BillingRow]) -> None:
        """Count rows."""
        for edition, mine in grouped(rows, "part", "assembly"):
            self._add(edition, mine)

    def _add(self, edition: tuple[str, str], rows: Sequence[BillingRow]) -> None:
        add, days, cells = EXACT.add, self._days, self._cells.setdefault(edition, {})
        for row in rows:
            key = (
                row.statement,
                row.billing_currency,
                row.service_name or "",
                row.charge_category,
                row.charge_kind,
                row.sub_account_id or "",
                days[row.charge_period_start],
            )
            cell = cells.get(key)
            if cell is None:
                cell = cells[key] = list(_NOTHING)
            cell[0] += 1
            cell[1] = add(cell[1], row.billed_cost or ZERO)
            # Unrolled: this is a tenth of reading a bill.
            if (cost := row.effective_cost) is not None:
                cell[2] = add(cell[2], cost)
            else:
                cell[5] += 1
            if (cost := row.contracted_cost) is not None:
                cell[3] = add(cell[3], cost)
            else:
                cell[6] += 1
            if (cost := row.list_cost) is not None:
                cell[4] = add(cell[4], cost)
            else:
                cell[7] += 1

    def by(self, *names: str, editions: Container[tuple[str, str, str]]) -> dict[tuple[str, ...], Total]:
        """Return what these editions come to, by currency and the named ones of `BY`, sorted."""
        places = [1, *(BY.index(name) + 2 for name in names)]
        found: dict[tuple[str, ...], Total] = {}
        for edition, cells in self._cells.items():
            for key, cell in cells.items():
                if (key[0], *edition) in editions:
                    group = tuple(key[place] for place in places)
                    found[group] = found.get(group, _NOTHING).plus(Total(*cell))
        return dict(sorted(found.items()))


def _day(instant: datetime) -> str:
    return instant.date().isoformat()
