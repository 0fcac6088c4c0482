"""Real bills, when they are at hand: what is read of them equals what DuckDB and Decimal make of the same files."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from app.billing_import import Options, Summary, check, read, read_only
from app.billing_plan import make_plan
from domain.billing.totals import Total
from tests.app.real_bills import AZURE, BILLS, DATA, EXAMPLES, Bill, expected

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"no data in {DATA}")


def imported(path: Path) -> Summary:
    summary = Summary()
    (delivery,) = make_plan([str(path)]).deliveries
    assert check(delivery, Options()) == []
    read_only(delivery, Options(), summary)
    assert summary.refused == []
    return summary


@pytest.mark.parametrize("bill", BILLS, ids=lambda bill: bill.path)
def test_totals_by_service_category_account_and_day_are_those_of_an_independent_calculation(bill: Bill) -> None:
    summary = imported(DATA / bill.path)
    totals = summary.by("service", "category", "account", "day")
    assert len({currency for currency, *_ in totals}) == 1
    ours = {tuple(key): (total.rows, total.billed, total.effective) for (_, *key), total in totals.items()}
    assert ours == expected(bill)
    assert summary.rejected_rows == bill.rejected


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_worked_example_of_the_focus_specification_is_read_whole(path: Path) -> None:
    text = [line for line in path.read_text("utf-8-sig").splitlines() if line.strip()]
    summary = imported(path)
    assert summary.rejected_rows == 0
    assert total_of(summary).rows == len(text) - 1


@pytest.mark.parametrize(
    "path", sorted((DATA / "focus_spec_examples/data/commitment_discount_flexibility").glob("*.csv")), ids=str
)
def test_effective_usage_of_a_commitment_is_what_its_purchase_billed(path: Path) -> None:
    summary = Summary()
    (delivery,) = make_plan([str(path)]).deliveries
    rows = [row for piece in read(delivery, Options(), summary) for row in piece.rows if row.commitment_discount_id]
    bought = sum(row.billed_cost or 0 for row in rows if row.charge_category == "Purchase")
    used = sum(row.effective_cost or 0 for row in rows if row.charge_category == "Usage")
    assert bought == used > 0


def test_localised_and_marked_headers_are_recognised() -> None:
    for name in ("BOM", "German", "YA"):
        summary = imported(DATA / AZURE / f"headersets/{name}.csv")
        assert [form for _, form in summary.files] == ["azure pay-as-you-go"]
        assert total_of(summary).billed == (0 if name == "BOM" else Decimal("0.075"))


def total_of(summary: Summary) -> Total:
    ((_, total),) = summary.by().items() or [("", Total())]
    return total
