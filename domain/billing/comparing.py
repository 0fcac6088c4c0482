"""What bills come to by provider, service, SKU and day, for a comparison with what was metered.

Sums are kept per edition, so that those of replaced editions can be left out. Amounts are in the reporting currency.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from domain.billing.charges import costs_of, day_of, rate_month, resource_type
from domain.billing.datasets import gives_way, rivals
from domain.billing.details import quantity_of, unit_of
from domain.money import EXACT, ZERO
from domain.reconciliation import Billed
from domain.sources import BASES, provider_named, slug

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from decimal import Decimal

    from domain.billing.editions import Edition
    from domain.billing.row import BillingRow
    from domain.fx import Rates

Key = tuple[str, str, str]


class _Key(NamedTuple):
    provider: str
    resource_type: str
    sku: str
    day: int
    unit: str


class _Sum(NamedTuple):
    amount: Decimal = ZERO
    quantity: Decimal | None = ZERO


class BilledSums:
    """Sums up one basis of charges of some categories (in lower case); rows that do not tell the basis are left out."""

    def __init__(self, rates: Rates, currency: str, *, basis: str, categories: Collection[str]) -> None:
        self._rates = rates
        self._currency = currency
        self._at = BASES.index(basis)
        self._categories = categories
        self._sums: dict[Key, dict[_Key, _Sum]] = {}

    def add(self, rows: Iterable[BillingRow]) -> None:
        """Count rows. Raises `MissingRateError`."""
        for row in rows:
            cost = costs_of(row)[self._at]
            if cost is None or slug(row.charge_category) not in self._categories:
                continue
            amount = self._rates.convert(cost, row.billing_currency, self._currency, rate_month(row))
            key = _Key(
                provider_named(row.provider_name or row.publisher_name),
                resource_type(row.service_category, row.service_name),
                row.sku_id or "",
                day_of(row),
                unit_of(row),
            )
            quantity = quantity_of(row)
            sums = self._sums.setdefault(row.edition, {})
            sums[key] = _plus(sums.get(key, _Sum()), amount, quantity)

    def lines(self, counting: Mapping[Key, Edition]) -> list[Billed]:
        """Return what the editions that count come to."""
        told = {
            (rival, key.day)
            for edition, sums in self._sums.items()
            if edition in counting
            for rival in rivals(counting[edition])
            for key in sums
        }
        return [
            Billed(key.provider, service, key.sku, driver, key.day, each.amount, each.quantity, key.unit)
            for edition, sums in self._sums.items()
            if edition in counting
            for key, each in sums.items()
            if not gives_way(edition[0], key.day, BASES[self._at], told)
            for driver, _, service in [key.resource_type.partition(".")]
        ]


def _plus(known: _Sum, amount: Decimal, quantity: Decimal | None) -> _Sum:
    both = None if known.quantity is None or quantity is None else EXACT.add(known.quantity, quantity)
    return _Sum(EXACT.add(known.amount, amount), both)
