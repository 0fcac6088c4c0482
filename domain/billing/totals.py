"""What bills come to, exactly, by service, category, kind, account, day and currency: for people, and for checks.

Totals are kept per edition, so that those of replaced editions can be left out. Memory is a cell for each combination
that occurs, not for each row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from domain.billing.block import Memo
from domain.money import EXACT, ZERO

if TYPE_CHECKING:
    from collections.abc import Container, Iterable
    from datetime import datetime
    from decimal import Decimal

    from domain.billing.row import BillingRow

BY: Final = ("service", "category", "kind", "account", "day")
BASES: Final = ("billed", "effective", "contracted", "listed")
_add = EXACT.add
_Edition = tuple[str, str, str]


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


class Totals:
    """Sums rows."""

    def __init__(self) -> None:
        self._cells: dict[tuple[_Edition, tuple[str, ...]], Total] = {}
        self._days = Memo(_day)

    def add(self, rows: Iterable[BillingRow]) -> None:
        """Count rows."""
        days, cells = self._days, self._cells
        for row in rows:
            key = (
                (row.statement, row.part, row.assembly),
                (
                    row.billing_currency,
                    row.service_name or "",
                    row.charge_category,
                    row.charge_kind,
                    row.sub_account_id or "",
                    days[row.charge_period_start],
                ),
            )
            known = cells.get(key)
            cells[key] = _more(_NOTHING if known is None else known, row)

    def by(self, *names: str, editions: Container[_Edition]) -> dict[tuple[str, ...], Total]:
        """Return what these editions come to, by currency and the named ones of `BY`, sorted."""
        places = [0, *(BY.index(name) + 1 for name in names)]
        found: dict[tuple[str, ...], Total] = {}
        for (edition, key), total in self._cells.items():
            if edition in editions:
                group = tuple(key[place] for place in places)
                found[group] = found[group].plus(total) if group in found else total
        return dict(sorted(found.items()))


_NOTHING: Final = Total()


def _day(instant: datetime) -> str:
    return instant.date().isoformat()


def _more(known: Total, row: BillingRow) -> Total:
    effective, contracted, listed = row.effective_cost, row.contracted_cost, row.list_cost
    return Total(
        known.rows + 1,
        known.billed if row.billed_cost is None else _add(known.billed, row.billed_cost),
        known.effective if effective is None else _add(known.effective, effective),
        known.contracted if contracted is None else _add(known.contracted, contracted),
        known.listed if listed is None else _add(known.listed, listed),
        known.no_effective + (effective is None),
        known.no_contracted + (contracted is None),
        known.no_listed + (listed is None),
    )
