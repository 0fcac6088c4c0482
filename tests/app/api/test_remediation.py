"""`GET /remediation` as a client sees it."""

from __future__ import annotations

from tests.app.api.cost_questions import BILLED, UNKNOWN, USED, answered, billed, used

RETAG = """
[[allocation]]
id = "the ranker is of the search team"
driver = "weights"
weights = { "team=search" = 1 }
to = "team"
select = { team = "unattributed", service = "ranker" }
"""
LOST = [
    billed("5.00", service="ranker"),
    billed("6.00", service="ranker", team="core"),
    billed("3.00", service="ranker", team="ads"),
    billed("-40.00", service=UNKNOWN, category="credit"),
]


async def test_unattributed_cost_is_ranked_by_money_and_sums_up() -> None:
    answer = await answered("/remediation", "", LOST, source="billed")
    assert (answer["dimension"], answer["total"], answer["unattributed"]) == ("team", "-26.00", "-35.00")
    assert [(each["reason"], each["amount"], each["charge_category"]) for each in answer["findings"]] == [
        ("cannot be tagged", "-40.00", "credit"),
        ("not tagged", "5.00", "usage"),
    ]


async def test_a_finding_has_a_guess_and_a_ticket() -> None:
    _, found = (await answered("/remediation", "", LOST, source="billed"))["findings"]
    assert found["guess"] == {"owner": "core", "by": "tag", "share": "0.6667"}
    assert found["ticket"]["summary"] == "5.00 USD of aws / compute.amazon_ec2 has no team"
    assert (found["ticket"]["assignee_guess"], found["ticket"]["week"]) == ("core", "2026-W23")


async def test_the_dimension_is_asked_for() -> None:
    answer = await answered("/remediation", "", [*USED, *BILLED], dimension="tenant", source="billed")
    assert answer["unattributed"] == answer["total"] == "22.00"
    assert answer["unattributed_share"] == "1.0000"


async def test_what_a_rule_attributes_is_no_longer_listed_also_of_the_past() -> None:
    answer = await answered("/remediation", RETAG, LOST, source="billed")
    assert [each["amount"] for each in answer["findings"]] == ["-40.00"]
    costs = await answered("/costs", RETAG, LOST, source="billed", group_by="team", allocation="rules")
    assert {group["key"]["team"]: group["amount"] for group in costs["groups"]} == {
        "core": "6.00", "search": "5.00", "ads": "3.00", UNKNOWN: "-40.00",
    }  # fmt: skip


async def test_metered_cost_without_a_team_is_found_too() -> None:
    answer = await answered("/remediation", "", [used("acme", 1, team=UNKNOWN, amount="2.00")], source="metered")
    assert [(each["provider"], each["amount"]) for each in answer["findings"]] == [("", "2.00")]
