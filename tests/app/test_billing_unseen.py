"""Traits that files of providers and spreadsheets have: read from a file, and counted as they are written."""

from __future__ import annotations

import csv
import json
import os
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from app.billing_import import Options, Summary, check, read, read_only
from app.billing_plan import make_plan
from tests.domain.billing.bills import AZURE, FOCUS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from domain.billing.row import BillingRow

RESERVED = AZURE | {"PricingModel": "Reservation", "ReservationId": "r-1"}


def write(path: Path, records: Sequence[Mapping[str, str]], delimiter: str = ",", before: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as stream:
        stream.write(before)
        writer = csv.DictWriter(stream, list(records[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(records)
    return path


def summed(*paths: Path) -> Summary:
    summary = Summary()
    for delivery in make_plan([str(path) for path in paths]).deliveries:
        assert check(delivery, Options()) == []
        read_only(delivery, Options(), summary)
    assert (summary.refused, summary.rejected) == ([], [])
    return summary


def rows(path: Path) -> list[BillingRow]:
    (delivery,) = make_plan([str(path)]).deliveries
    return [row for piece in read(delivery, Options(), Summary()) for row in piece.rows]


def billed(summary: Summary) -> Decimal:
    ((_, total),) = summary.by().items()
    return total.billed


def test_a_spreadsheet_of_a_country_with_decimal_commas_comes_to_its_sum(tmp_path: Path) -> None:
    costs = ("1,5", "0,125", "1.234,56", "1,234", "-2,00", "3.5")
    records = [FOCUS | {"BilledCost": cost} for cost in costs]
    assert billed(summed(write(tmp_path / "bill.csv", records, ";", "sep=;\n"))) == Decimal("1238.919")


def test_lines_are_told_as_the_file_counts_them_whatever_comes_before_the_columns(tmp_path: Path) -> None:
    path = write(tmp_path / "bill.csv", [FOCUS, FOCUS | {"BilledCost": "much"}], before="Usage report\n\nMonth,June\n")
    summary = Summary()
    read_only(make_plan([str(path)]).deliveries[0], Options(), summary)
    assert [row.line for _, row in summary.rejected] == [6]
    assert billed(summary) == Decimal("10.10")


def test_daily_partitions_add_up_and_a_newer_edition_of_one_replaces_that_one(tmp_path: Path) -> None:
    for day in ("01", "02", "03"):
        record = FOCUS | {
            "ChargePeriodStart": f"2026-06-{day}T00:00:00Z",
            "ChargePeriodEnd": f"2026-06-{day}T01:00:00Z",
        }
        write(tmp_path / f"day={day}/part-0.csv", [record])
    summary = summed(tmp_path)
    assert billed(summary) == Decimal("30.30")
    assert summary.replaced == []


def test_of_the_runs_of_an_export_to_the_month_s_date_the_newest_counts(tmp_path: Path) -> None:
    for number, records in enumerate([[AZURE], [AZURE, AZURE | {"Date": "06/02/2026"}]]):
        name = f"costs_{number}165a158-7345-424e-ac81-dbca9923a029.csv"
        path = write(tmp_path / "20260601-20260630" / name, records)
        os.utime(path, (1_781_000_000 + number, 1_781_000_000 + number))
    summary = summed(tmp_path)
    assert billed(summary) == Decimal(5)
    assert len(summary.replaced) == 1


@pytest.mark.parametrize("first", ["actual.csv", "amortised.csv"])
def test_a_reservation_late_in_a_long_export_tells_which_kind_of_cost_it_is(first: str, tmp_path: Path) -> None:
    plain = [AZURE | {"MeterName": f"meter {number} {'x' * 400}"} for number in range(12_000)]
    covered = write(tmp_path / "amortised.csv", [*plain, RESERVED])
    bought = write(tmp_path / "actual.csv", [*plain, RESERVED | {"CostInBillingCurrency": "0"}])
    assert covered.stat().st_size > 4 << 20
    editions = summed(tmp_path / first, covered, bought).editions
    assert sorted({edition.statement.split("/")[1] for edition in editions}) == ["actual", "amortised"]


def test_the_files_of_an_edition_are_of_one_kind_of_cost(tmp_path: Path) -> None:
    for number, records in enumerate([[AZURE], [RESERVED]]):
        write(tmp_path / f"part_{number}.csv", records)
    run = {"runId": "r1", "submittedTime": "2026-06-15T06:00:00Z"}
    blobs = [{"blobName": f"x/part_{number}.csv"} for number in range(2)]
    (tmp_path / "manifest.json").write_text(json.dumps({"blobs": blobs, "runInfo": run}))
    (edition,) = summed(tmp_path).editions
    assert edition.statement.split("/")[1] == "amortised"


def test_tags_of_json_say_whose_cost_it_is_as_those_of_csv_do(tmp_path: Path) -> None:
    record = FOCUS | {"Tags": {"Team": "search", "user:env": "prod"}}
    (tmp_path / "bill.jsonl").write_text("\n".join(json.dumps(record) for _ in range(2)))
    assert {(row.team, row.environment) for row in rows(tmp_path / "bill.jsonl")} == {("search", "prod")}
