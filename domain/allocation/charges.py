"""What is allocated: a charge, whatever it came from, with what rules may select it by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from domain.scope import DIMENSIONS, Scope

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from domain.billing.row import BillingRow

TAG: Final = "tag:"
# Of the columns of a bill, those that a rule may select by: names here, and where a row has them.
_COLUMNS: Final = {
    "provider": "provider_name",
    "account": "billing_account_id",
    "sub_account": "sub_account_id",
    "service_name": "service_name",
    "service_category": "service_category",
    "sku": "sku_id",
    "region": "region_id",
    "resource": "resource_id",
    "resource_name": "resource_name",
    "category": "charge_category",
    "kind": "charge_kind",
    "description": "charge_description",
}
NAMES: Final = (*DIMENSIONS, *_COLUMNS)


class Costs(NamedTuple):
    """The four bases; None where a bill does not tell."""

    billed: Decimal | None = None
    effective: Decimal | None = None
    contracted: Decimal | None = None
    listed: Decimal | None = None


class Charge(NamedTuple):
    """Cost in `[start, end)` (epoch seconds); `facts` hold what rules select by, beside the scope."""

    id: str
    start: int
    end: int
    scope: Scope
    currency: str
    costs: Costs
    facts: Mapping[str, str]

    @property
    def selectable(self) -> dict[str, str]:
        """All that a rule may select by: dimensions, facts, and tags as `tag:<key>`."""
        return {**self.facts, **self.scope._asdict()}


def charge_of(row: BillingRow, identifier: str) -> Charge:
    """Return a line of a bill as a charge; `identifier` is the id of its event."""
    facts = {name: value for name, column in _COLUMNS.items() if (value := getattr(row, column))}
    facts |= {f"{TAG}{key}": value for key, value in row.tags.items()}
    return Charge(
        identifier,
        int(row.charge_period_start.timestamp()),
        int(row.charge_period_end.timestamp()),
        row.scope,
        row.billing_currency,
        Costs(row.billed_cost, row.effective_cost, row.contracted_cost, row.list_cost),
        facts,
    )


def is_selectable(name: str) -> bool:
    """Tell whether rules may select by a name."""
    return name in NAMES or (name.startswith(TAG) and len(name) > len(TAG))
