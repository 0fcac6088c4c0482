from __future__ import annotations

from domain.allocation import Allocator, Usage, focus_columns
from tests.domain.allocation.cases import charge, rule, used


def test_an_allocated_row_says_by_which_rule_and_by_how_much_usage() -> None:
    parts = Allocator([rule(version=3)], Usage([used("acme", "1"), used("globex", "2")])).allocate(charge())
    found = focus_columns(parts[1])
    assert found == {
        "AllocatedMethodId": "platform@3",
        "AllocatedMethodDetails": {
            "Elements": [
                {"AllocatedRatio": "0.666666666667", "UsageUnit": "compute.requests", "UsageQuantity": "2"},
            ]
        },
        "AllocatedResourceId": "tenant=globex",
        "AllocatedResourceName": "tenant=globex",
        "AllocatedTags": {"tenant": "globex"},
        "x_AllocationRuleId": "platform",
        "x_AllocationRuleVersion": 3,
        "x_AllocationDriver": "requests",
    }
