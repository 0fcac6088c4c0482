from __future__ import annotations

from decimal import Decimal

from domain.allocation import Allocator, Usage, charge_of
from domain.allocation.focus import focus_columns
from domain.billing.row import event_id
from tests.domain.allocation.cases import charge, rule, used
from tests.domain.billing.bills import FOCUS, row


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
        "x_SplitOriginId": "c1",
    }


def test_a_line_of_a_bill_is_a_charge_on_four_bases_with_what_rules_select_by() -> None:
    line = row(FOCUS)
    found = charge_of(line, event_id(line))
    assert found.costs == (Decimal("10.10"), Decimal("9.90"), Decimal(11), Decimal(12))
    assert (found.end - found.start, found.currency) == (3600, "EUR")
    assert found.selectable["service_name"] == "Compute"
    assert found.selectable["tag:Team"] == "search"
    assert found.selectable["team"] == "search"
    assert found.selectable["category"] == "Usage"
