"""Cost without an owner in bills that are files."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.bills_in_files import RefusedError
from app.configuration import parse_configuration
from app.unowned_bills import search_bills
from domain.fx import MissingRateError
from domain.money import add_up
from tests.live import bill

NOW = 1_796_000_000.0
OWNERS = '[[owners]]\nservice = "ranker"\nteam = "search"\n'


def line(cost: str, resource: str, tags: str = "{}", **more: str) -> bill.Line:
    same = {"ServiceName": "Amazon Elastic Compute Cloud", "ServiceCategory": "Compute", "ChargeCategory": "Usage"}
    return bill.lines(1, days=1)[0] | same | {"BilledCost": cost, "ResourceId": resource, "Tags": tags} | more


def search(path: Path, *lines: bill.Line, config: str = "", **options: Any) -> dict[str, Any]:
    bill.write(path / "bill.csv", list(lines))
    return searched([str(path)], config, **options)


def searched(files: list[str], config: str = "", **options: Any) -> dict[str, Any]:
    asked = {"dimension": "team", "basis": "billed", "categories": (), **options}
    return search_bills(files, parse_configuration(config, Path()), now=NOW, **asked)


def test_the_owner_of_a_resource_at_other_times_is_the_guess(tmp_path: Path) -> None:
    answer = search(
        tmp_path,
        line("3", "i-1"),
        line("4", "i-1", '{"team": "core"}', ChargePeriodStart="2026-11-02T00:00:00Z"),
        line("50", "i-2", '{"team": "ads"}'),
    )
    (found,) = answer["findings"]
    assert (answer["total"], answer["unattributed"], found["amount"]) == ("57.00", "3.00", "3.00")
    core = {"owner": "core", "by": "resource", "share": "1.0000"}
    resource = {"resource": "i-1", "amount": "3.00", "account": "acct-1", "guess": core}
    assert (found["reason"], found["resources"], found["other_resources"]) == ("not tagged", [resource], "0.00")
    assert found["guess"] == core
    assert "Dearest resources: i-1 (3.00 USD, probably core)." in found["ticket"]["description"]
    assert answer["window"] == {"start": "2026-11-01T00:00:00Z", "end": "2026-11-03T00:00:00Z"}


def test_a_tag_that_names_no_owner_is_a_likeness(tmp_path: Path) -> None:
    answer = search(
        tmp_path,
        line("3", "i-1", '{"stack": "feed"}'),
        line("4", "i-2", '{"stack": "feed", "team": "core"}'),
        line("50", "i-3", '{"stack": "shop", "team": "ads"}'),
    )
    assert answer["findings"][0]["guess"] == {"owner": "core", "by": "tag", "share": "1.0000"}


def test_what_has_no_resource_cannot_be_tagged_unless_the_bill_names_none(tmp_path: Path) -> None:
    support, usage = line("9", ""), line("1", "i-1")
    assert [each["reason"] for each in search(tmp_path, support, usage)["findings"]] == [
        "cannot be tagged",
        "not tagged",
    ]
    assert [each["reason"] for each in search(tmp_path, support)["findings"]] == ["not tagged"]


def test_the_owner_of_a_service_owns_it_and_findings_sum_up(tmp_path: Path) -> None:
    lines = [line("5", "i-1", '{"service": "ranker"}'), *bill.lines(40)]
    answer = search(tmp_path, *lines, config=OWNERS)
    assert answer["unattributed"] == str(add_up(Decimal(each["amount"]) for each in answer["findings"]))
    assert Decimal(answer["total"]) == add_up(Decimal(each["BilledCost"]) for each in lines)
    assert Decimal(answer["total"]) - Decimal(answer["unattributed"]) == 5


def test_a_basis_and_categories_are_chosen(tmp_path: Path) -> None:
    lines = [line("5", "i-1", ListCost="8"), line("-2", "", ChargeCategory="Credit", ListCost="")]
    assert search(tmp_path, *lines, categories=["credit"])["total"] == "-2.00"
    answer = search(tmp_path, *lines, basis="list")
    assert (answer["total"], len(answer["findings"])) == ("8.00", 1)


def test_an_edition_that_was_replaced_does_not_count(tmp_path: Path) -> None:
    for name, cost in (("old", "5"), ("new", "7")):
        (tmp_path / name).mkdir()
        bill.write(tmp_path / name / "bill.csv", [line(cost, "i-1")])
    assert searched([str(tmp_path)])["total"] in {"5.00", "7.00"}


def test_nothing_in_a_bill_is_an_empty_answer(tmp_path: Path) -> None:
    answer = search(tmp_path, line("0", "i-1"))
    assert (answer["findings"], answer["total"], answer["unattributed_share"]) == ([], "0.00", "0.0000")


def test_what_is_no_bill_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b,c\n1,2,3\n")
    with pytest.raises(RefusedError, match=r"x\.csv"):
        searched([str(tmp_path / "x.csv")])


def test_a_missing_rate_is_told(tmp_path: Path) -> None:
    with pytest.raises(MissingRateError, match="XAU"):
        search(tmp_path, line("1", "i-1", BillingCurrency="XAU"), config='[fx]\nsource = "none"\n')
