"""`GET /reconciliation` as a client sees it."""

from __future__ import annotations

from decimal import Decimal

from domain.windows import DAY, HOUR
from tests.app.api.cost_questions import answered, billed, response, used

MATCH = """
[[reconciliation]]
meter = "compute.gpu_hours"
provider = "aws"
service = "amazon_ec2*"
"""
METERED = [
    used("acme", 6, amount="12.00", resource_type="compute.gpu_hours", source="metered/aws"),
    used("acme", 2, at=5 * HOUR, amount="4.00", resource_type="compute.gpu_hours", source="metered/aws"),
    used("acme", 3, at=DAY, amount="6.00", resource_type="compute.gpu_hours", source="metered/aws"),
]
BILL = [billed("20.00"), billed("9.00", at=DAY), billed("3.00", category="tax"), billed("18.00", basis="effective")]


async def test_estimate_and_bill_are_compared_by_provider_subject_and_day() -> None:
    answer = await answered("/reconciliation", "", METERED + BILL)
    assert (answer["metered"], answer["billed"], answer["drift"]) == ("22.00", "29.00", "7.00")
    assert [(each["subject"], each["day"][8:10], each["drift"], each["drift_percent"]) for each in answer["lines"]] == [
        ("compute", "01", "4.00", "25"),
        ("compute", "02", "3.00", "50"),
    ]
    assert {each["provider"] for each in answer["lines"]} == {"aws"}
    assert [each["complete"] for each in answer["lines"]] == [True, False]


async def test_a_match_implies_a_price_and_proposes_it() -> None:
    first, _ = (await answered("/reconciliation", MATCH, METERED + BILL))["lines"]
    assert (first["subject"], first["services"]) == ("compute.gpu_hours", ["amazon_ec2"])
    assert (first["metered_quantity"], first["metered_price"]) == ("8", "2")
    assert (first["implied_price"], first["proposed_price"]) == ("2.5", "2.5")
    assert (first["explained"], first["unexplained"]) == (None, "4.00")


async def test_a_meter_is_compared_by_sku_and_quantity() -> None:
    match = MATCH + 'sku = "p4d*"\nunits = 8\n'
    answer = await answered("/reconciliation", match, METERED + BILL[:1], skus=("p4d.24xlarge", "0.8"))
    first = answer["lines"][0]
    assert (first["subject"], first["services"]) == ("compute.gpu_hours", ["amazon_ec2/p4d.24xlarge"])
    assert (first["metered_quantity"], first["billed_quantity"]) == ("8", "6.4")
    assert (first["metered_price"], first["implied_price"], first["proposed_price"]) == ("2", "3.125", "3.125")
    assert (first["drift"], first["explained"], first["unexplained"]) == ("4.00", "9.00", "-5.00")
    (sku,) = first["skus"]
    assert (sku["service"], sku["sku"], sku["unit"]) == ("amazon_ec2", "p4d.24xlarge", "Hrs")
    assert (sku["amount"], sku["quantity"], sku["price"]) == ("20.00", "0.8", "25")


async def test_basis_and_categories_are_asked_for() -> None:
    effective = await answered("/reconciliation", "", METERED + BILL, basis="effective")
    assert effective["billed"] == "18.00"
    with_tax = await answered("/reconciliation", "", METERED + BILL, charge_category=["usage", "tax"])
    assert with_tax["billed"] == "32.00"


async def test_what_has_no_counterpart_is_compared_with_nothing() -> None:
    answer = await answered("/reconciliation", "", [METERED[0]])
    (line,) = answer["lines"]
    assert (line["billed"], line["drift"], line["drift_percent"]) == ("0.00", "-12.00", "-100")
    assert Decimal(line["unexplained"]) == -12


async def test_one_source_alone_cannot_be_asked_for() -> None:
    assert (await response("/reconciliation", "", METERED, source="metered")).status_code == 422
