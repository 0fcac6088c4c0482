"""Charges, usage and rules for tests of allocation."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from domain.allocation import Charge, Rule, UsageLine, Wording, make_rule
from domain.money import quantity_to_text
from domain.scope import Scope
from domain.windows import DAY

if TYPE_CHECKING:
    from domain.allocation import Part

PLATFORM = Scope(service="platform")


def charge(
    amount: str = "900.00",
    *,
    day: int = 0,
    scope: Scope = PLATFORM,
    resource_type: str = "compute.kubernetes",
    source: str = "billed/aws/billed/usage",
) -> Charge:
    return Charge(day * DAY, scope, resource_type, source, Decimal(amount))


def rule(**changed: Any) -> Rule:
    made = make_rule(Wording(**{"id": "platform", "driver": "requests", "select": {"service": ["platform"]}} | changed))
    assert isinstance(made, Rule), made
    return made


def used(tenant: str, units: str, kind: str = "compute.requests", *, day: int = 0, **more: str) -> UsageLine:
    scope = Scope(tenant=tenant, **{"environment": "production"} | more)
    return UsageLine(day * DAY, scope, kind, Decimal(units), events=1)


def borne(parts: list[Part]) -> dict[str, str]:
    return {part.scope.tenant: quantity_to_text(part.amount) for part in parts}
