"""Charges, usage and rules for tests of allocation."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from domain.allocation import Charge, Costs, Rule, UsageLine, Wording, make_rule
from domain.money import quantity_to_text
from domain.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

DAY = 86_400
PLATFORM = Scope(service="platform")


def charge(
    amount: str = "900.00",
    *,
    start: int = 0,
    end: int = DAY,
    identifier: str = "c1",
    scope: Scope = PLATFORM,
    facts: Mapping[str, str] | None = None,
) -> Charge:
    costs = Costs(billed=Decimal(amount), effective=Decimal(amount), contracted=None, listed=Decimal(amount) * 2)
    return Charge(identifier, start, end, scope, "USD", costs, facts or {})


def rule(**changed: Any) -> Rule:
    made = make_rule(Wording(**{"id": "platform", "driver": "requests", "select": {"service": ["platform"]}} | changed))
    assert isinstance(made, Rule), made
    return made


def used(
    tenant: str, units: str, kind: str = "compute.requests", *, start: int = 0, end: int = DAY, **more: str
) -> UsageLine:
    scope = Scope(tenant=tenant, **{"environment": "production"} | more)
    return UsageLine(start, end, scope, kind, Decimal(units), events=1)


def borne(parts: list[Any]) -> dict[str, str]:
    return {part.scope.tenant: quantity_to_text(part.costs.billed) for part in parts}
