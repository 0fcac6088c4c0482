"""Bills in files held against what was metered, by SKU and quantity."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from app.billing_compared import compare, read_bills
from app.bills_in_files import RefusedError
from app.configuration import Configuration, parse_configuration
from domain.fx import MissingRateError
from tests.live import bill

if TYPE_CHECKING:
    from collections.abc import Mapping

    from domain.reconciliation import Billed

DATA = Path(__file__).parents[2].parent / "shared/data"
MATCH = """
[[reconciliation]]
meter = "compute.gpu_hours"
provider = "aws"
service = "amazon_elastic_compute_cloud"
sku = "p4d*"
units = 8
"""
FX = '[fx]\nsource = "none"\n[[fx.rates]]\nmonth = "2026-11"\nfrom = "EUR"\nto = "USD"\nrate = 1.1\n'


def line(cost: str, sku: str, quantity: str = "", **more: str) -> bill.Line:
    row = bill.lines(2, days=1)[1] | {"ServiceName": "Amazon Elastic Compute Cloud", "ServiceCategory": "Compute"}
    return row | {"BilledCost": cost, "SkuId": sku, "PricingQuantity": quantity, "PricingUnit": "Hrs"} | more


def read(path: Path, *lines: bill.Line, config: str = "", basis: str = "billed", **more: Any) -> list[Billed]:
    bill.write(path / "bill.csv", list(lines))
    return read_bills([str(path)], configured(config), basis=basis, categories=more.get("categories", ["usage"]))


def configured(text: str) -> Configuration:
    return parse_configuration(text, Path())


def metered(amount: str, units: str) -> dict[str, Any]:
    key = {"provider": "aws", "resource_type": "compute.gpu_hours"}
    group = {"key": key, "start": "2026-11-01T00:00:00Z", "amount": amount, "units": units, "events": 1}
    complete = [{"provider": "aws", "complete_until": "2026-11-02T00:00:00Z"}]
    return {"groups": [group], "completeness": {"billed": complete}}


def test_price_and_quantity_are_told_apart_by_the_skus_of_a_meter(tmp_path: Path) -> None:
    billed = read(tmp_path, line("200", "p4d.24xlarge", "10"), line("5", "t3.micro", "100"))
    asked: list[Mapping[str, str]] = []

    def ask(question: Mapping[str, str]) -> Any:
        asked.append(question)
        return metered("120", "60")

    answer = compare(billed, configured(MATCH), ask)
    assert asked == [
        {
            "source": "metered",
            "group_by": "provider,resource_type",
            "granularity": "day",
            "start": "2026-11-01T00:00:00Z",
            "end": "2026-11-02T00:00:00Z",
        }
    ]
    gpu, rest = answer["lines"]
    assert gpu["services"] == ["amazon_elastic_compute_cloud/p4d.24xlarge"]
    assert (gpu["drift"], gpu["explained"], gpu["unexplained"]) == ("80.00", "30.00", "50.00")
    assert (gpu["billed_quantity"], gpu["implied_price"], gpu["proposed_price"]) == ("80", "2.5", "2.5")
    assert (rest["subject"], rest["billed"], rest["complete"]) == ("compute", "5.00", True)
    assert answer["drift"] == "85.00"


def test_an_edition_that_is_replaced_does_not_count(tmp_path: Path) -> None:
    header = [line("1", "a"), line("2", "a")]
    (tmp_path / "old").mkdir()
    (tmp_path / "new").mkdir()
    bill.write(tmp_path / "old/bill.csv", header)
    bill.write(tmp_path / "new/bill.csv", [*header, line("4", "a")])
    found = read_bills([str(tmp_path)], configured(""), basis="billed", categories=["usage"])
    assert [each.amount for each in found] == [7]


def test_basis_category_and_currency_are_minded(tmp_path: Path) -> None:
    lines = [line("1", "a", EffectiveCost="0.5"), line("9", "a", ChargeCategory="Tax", EffectiveCost="9")]
    assert [each.amount for each in read(tmp_path, *lines, basis="effective")] == [Decimal("0.5")]
    both = read(tmp_path, *lines, categories=["usage", "tax"])
    assert [each.amount for each in both] == [10]
    euros = [line("1", "a", BillingCurrency="EUR")]
    assert [each.amount for each in read(tmp_path, *euros, config=FX)] == [Decimal("1.1")]
    with pytest.raises(MissingRateError, match="GBP"):
        read(tmp_path, line("1", "a", BillingCurrency="GBP"), config=FX)


def test_one_charge_without_a_quantity_leaves_its_sku_without_one(tmp_path: Path) -> None:
    assert [each.quantity for each in read(tmp_path, line("1", "a", "3"), line("2", "a"))] == [None]


def test_what_is_no_bill_is_refused_whole(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("colour,size\nred,1\n")
    with pytest.raises(RefusedError, match=r"x\.csv"):
        read_bills([str(tmp_path)], configured(""), basis="billed", categories=["usage"])


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no data in {DATA}")
def test_a_real_bill_comes_by_day_to_what_duckdb_makes_of_it() -> None:
    file = str(DATA / "real_aws_daily_2017/focus_2017-07.csv.gz")
    found = read_bills([file], configured(""), basis="effective", categories=["usage"])
    by_day: dict[int, Decimal] = {}
    for each in found:
        by_day[each.day] = by_day.get(each.day, Decimal(0)) + each.amount
    expected = duckdb.execute(
        """select epoch(ChargePeriodStart[1:10]::date)::bigint, sum(EffectiveCost::decimal(38, 18))
        from read_csv($1, all_varchar = true) where ChargeCategory = 'Usage' group by 1""",
        [file],
    ).fetchall()
    assert len(expected) > 27
    assert by_day.keys() == {day for day, _ in expected}
    assert all(abs(by_day[day] - cost) < Decimal("1e-9") for day, cost in expected)
