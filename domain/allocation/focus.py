"""Allocated rows in FOCUS: the columns of its split cost allocation (since 1.3), and ours.

Source: https://focus.finops.org/focus-specification/v1-3/ (Data Generator-Calculated Split Cost Allocation).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domain.money import quantity_to_text

if TYPE_CHECKING:
    from domain.allocation.allocating import Part


def focus_columns(part: Part) -> dict[str, Any]:
    """Return the columns that say how a row was allocated; numbers as decimal strings."""
    named = dict(zip(part.rule.to, part.receiver, strict=True))
    label = ",".join(f"{name}={value}" for name, value in named.items())
    return {
        "AllocatedMethodId": f"{part.rule.id}@{part.rule.version}",
        "AllocatedMethodDetails": {
            "Elements": [
                {
                    "AllocatedRatio": quantity_to_text(part.ratio),
                    "UsageUnit": part.driver.unit,
                    "UsageQuantity": quantity_to_text(part.quantity),
                }
            ]
        },
        "AllocatedResourceId": label,
        "AllocatedResourceName": label,
        "AllocatedTags": named,
        "x_AllocationRuleId": part.rule.id,
        "x_AllocationRuleVersion": part.rule.version,
        "x_AllocationDriver": part.driver.name,
    }
