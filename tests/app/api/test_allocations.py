"""Shared cost by the rules of the configuration: in `GET /costs` and `GET /allocations`."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.configuration import parse_configuration
from domain.windows import DAY, HOUR, to_rfc3339
from tests.app.api.cost_questions import (
    ACME_ONLY,
    BILLED,
    NOW,
    RULES,
    SECRET,
    UNKNOWN,
    USED,
    WHOLE,
    answered,
    billed,
    response,
    used,
)
from tests.app.api.view_of_events import ViewOfEvents, client
from tests.domain.cost_events import FIRST

BILL: dict[str, Any] = {"source": "billed"}


def by(answer: dict[str, Any], name: str) -> dict[str, str]:
    return {group["key"][name]: group["amount"] for group in answer["groups"] if group["amount"] != "0.00"}


async def test_without_being_asked_for_cost_stays_where_it_was_booked() -> None:
    assert by(await answered("/costs", group_by="tenant", **BILL), "tenant") == {UNKNOWN: "22.00"}


async def test_by_the_rules_shared_cost_is_borne_by_whoever_used_it_that_day() -> None:
    answer = await answered("/costs", group_by="tenant", allocation="rules", **BILL)
    # The first day's 10.00 is shared 1 : 3, the second day's 7.00 is all acme's; the ranker's 5.00 are not shared.
    assert by(answer, "tenant") == {"acme": "9.50", "globex": "7.50", UNKNOWN: "5.00"}
    assert answer["total"] == "22.00"


async def test_users_that_usage_named_drive_a_rule_on_their_day() -> None:
    events = [billed("10.00", at=3 * HOUR), billed("7.00", at=DAY)]
    config = RULES.replace('"requests"', '"active_users"').replace('among = { environment = "production" }', "")
    named = {f"users:{FIRST}": {"acme": b"1", "globex": b"4"}, f"users:{FIRST + DAY}": {"acme": b"2"}}
    view = ViewOfEvents(events, named)
    async with client(view, now=NOW, configuration=parse_configuration(config, Path())) as api:
        answer = await api.get("/costs", params=WHOLE | BILL | {"group_by": "tenant", "allocation": "rules"})
    assert by(answer.json(), "tenant") == {"acme": "9.00", "globex": "8.00"}


async def test_filters_select_who_bears_the_cost() -> None:
    acme = await answered("/costs", tenant="acme", allocation="rules", **BILL)
    assert acme["total"] == "9.50"
    assert (await answered("/costs", tenant="acme", **BILL))["total"] == "0.00"


async def test_hours_have_the_shares_of_their_day_and_sum_to_it() -> None:
    hours = await answered("/costs", group_by="tenant", granularity="hour", allocation="rules", **BILL)
    shared = [each for each in hours["groups"] if each["start"] == to_rfc3339(FIRST + 3 * HOUR)]
    assert {each["key"]["tenant"]: each["amount"] for each in shared} == {
        "acme": "2.50",
        "globex": "7.50",
        UNKNOWN: "0.00",
    }
    one = {"start": to_rfc3339(FIRST + 3 * HOUR), "end": to_rfc3339(FIRST + 4 * HOUR)}
    assert by(await answered("/costs", group_by="tenant", allocation="rules", **BILL | one), "tenant") == {
        "globex": "7.50", "acme": "2.50",
    }  # fmt: skip


async def test_late_usage_moves_what_was_shared_at_once() -> None:
    late = [*USED, *BILLED, used("globex", 4, at=HOUR)]
    answer = await answered("/costs", events=late, group_by="tenant", allocation="rules", **BILL)
    assert by(answer, "tenant") == {"globex": "8.75", "acme": "8.25", UNKNOWN: "5.00"}


async def test_metered_cost_is_shared_too_and_its_usage_stays_where_it_was() -> None:
    platform = used("ops", 5, amount="8.00")._replace(
        scope=("ops", "staging", "x", "platform", "core"), resource_type="compute.cpu_seconds", cost_unit=""
    )
    answer = await answered(
        "/costs", events=[*USED, platform], group_by="tenant", source="metered", allocation="rules",
        start=to_rfc3339(FIRST), end=to_rfc3339(FIRST + DAY), resource_type="compute.cpu_seconds",
    )  # fmt: skip
    assert by(answer, "tenant") == {"globex": "6.00", "acme": "2.00"}
    assert {group["key"]["tenant"]: group["events"] for group in answer["groups"]} == {"globex": 0, "acme": 0, "ops": 1}


async def test_a_tenant_bears_its_part_of_anothers_cost_and_is_not_shown_the_whole() -> None:
    theirs = billed("10.00")._replace(scope=("globex", UNKNOWN, UNKNOWN, "platform", UNKNOWN))
    answer = await response("/allocations", RULES + ACME_ONLY, [*USED, theirs], secret=SECRET, **BILL)
    (row,) = answer.json()["allocations"]
    assert (row["scope"]["tenant"], row["amount"]) == ("acme", "2.50")
    assert (row["shared"], row["from"], row["AllocatedMethodDetails"]) == (None, {}, {"Elements": []})
    assert "globex" not in answer.text


async def test_an_allocated_row_carries_rule_version_and_focus_columns() -> None:
    answer = await answered("/allocations", tenant="globex", **BILL)
    (row,) = answer["allocations"]
    assert row.pop("id")
    assert answer["total"] == "7.50"
    assert row == {
        "ChargePeriodStart": "2026-06-01T00:00:00Z",
        "ChargePeriodEnd": "2026-06-02T00:00:00Z",
        "amount": "7.50",
        "shared": "10.00",
        "from": dict.fromkeys(("tenant", "environment", "feature", "team"), UNKNOWN) | {"service": "platform"},
        "scope": dict.fromkeys(("environment", "feature", "team"), UNKNOWN)
        | {"service": "platform", "tenant": "globex"},
        "resource_type": "compute.amazon_ec2",
        "source": "billed",
        "provider": "aws",
        "charge_category": "usage",
        "AllocatedMethodId": "platform@3",
        "AllocatedMethodDetails": {
            "Elements": [{"AllocatedRatio": "0.75", "UsageUnit": "compute.requests", "UsageQuantity": "3"}]
        },
        "AllocatedResourceId": "tenant=globex",
        "AllocatedResourceName": "tenant=globex",
        "AllocatedTags": {"tenant": "globex"},
        "x_AllocationRuleId": "platform",
        "x_AllocationRuleVersion": 3,
        "x_AllocationDriver": "requests",
    }


async def test_allocations_sum_to_what_is_shared_and_are_those_of_costs() -> None:
    rows = (await answered("/allocations", **BILL))["allocations"]
    assert sum(Decimal(row["amount"]) for row in rows) == 17
    assert [(row["ChargePeriodStart"][8:10], row["scope"]["tenant"], row["amount"]) for row in rows] == [
        ("01", "acme", "2.50"),
        ("01", "globex", "7.50"),
        ("02", "acme", "7.00"),
    ]


async def test_a_restated_bill_is_shared_as_it_is_now() -> None:
    restated = [*USED, billed("10.00", at=3 * HOUR), billed("-2.00", at=3 * HOUR)]
    rows = (await answered("/allocations", events=restated, **BILL))["allocations"]
    assert [(row["scope"]["tenant"], row["amount"]) for row in rows] == [("acme", "2.00"), ("globex", "6.00")]


async def test_without_rules_nothing_is_shared() -> None:
    assert (await answered("/allocations", "", **BILL))["allocations"] == []
    assert by(await answered("/costs", "", group_by="tenant", allocation="rules", **BILL), "tenant") == {
        UNKNOWN: "22.00"
    }


@pytest.mark.parametrize("path", ["/allocations", "/remediation", "/reconciliation", "/costs"])
async def test_whoever_is_bound_to_a_tenant_sees_that_one_only(path: str) -> None:
    refused = await response(path, RULES + ACME_ONLY, None, secret=SECRET, tenant="globex")
    assert refused.status_code == 403
    assert (await response(path, RULES + ACME_ONLY, None)).status_code == 401


async def test_a_share_is_told_to_whom_it_concerns_though_others_drive_it() -> None:
    answer = await response("/allocations", RULES + ACME_ONLY, None, secret=SECRET, **BILL)
    assert [row["amount"] for row in answer.json()["allocations"]] == ["2.50", "7.00"]
