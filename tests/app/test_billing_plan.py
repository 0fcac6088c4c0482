"""Which files are one edition of a bill."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from app.billing_plan import Plan, PlanError, make_plan

if TYPE_CHECKING:
    from pathlib import Path


def write(path: Path, document: object = "x", mtime: int | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    if mtime is not None:
        os.utime(path, (mtime, mtime))
    return path


def cur(assembly: str, *keys: str) -> dict[str, Any]:
    return {"assemblyId": assembly, "reportKeys": list(keys), "billingPeriod": {"start": "20260601T000000.000Z"}}


def names(plan: Plan) -> list[tuple[str, str, list[str]]]:
    return [(each.part, each.assembly, [file.name for file in each.files]) for each in plan.deliveries]


def test_a_file_is_a_part_of_its_name_and_an_edition_of_its_bytes(tmp_path: Path) -> None:
    first = write(tmp_path / "june.csv.gz", "1")
    same = write(tmp_path / "other/june.csv", "1")
    other = write(tmp_path / "more/june.csv", "2")
    one, two, three = (make_plan([str(file)]).deliveries[0] for file in (first, same, other))
    assert one.part == two.part == three.part == "june.csv"
    assert one.assembly == two.assembly != three.assembly


def test_directories_and_patterns_name_their_files_once_and_hidden_ones_never(tmp_path: Path) -> None:
    for name in ("a.csv", "b/c.csv", ".hidden/d.csv", "b/.e.csv", "_SUCCESS"):
        write(tmp_path / name, name)
    assert [part for part, *_ in names(make_plan([str(tmp_path), str(tmp_path / "a.csv")]))] == ["a.csv", "c.csv"]
    assert [part for part, *_ in names(make_plan([str(tmp_path / "*.csv")]))] == ["a.csv"]
    assert [part for part, *_ in names(make_plan([str(tmp_path / "**/c.csv")]))] == ["c.csv"]


@pytest.mark.parametrize("name", ["none.csv", "none/*.csv", "empty"])
def test_what_is_not_there_is_an_error(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(PlanError, match="no such file"):
        make_plan([str(tmp_path / name)])


def test_files_of_a_manifest_are_one_edition_and_those_of_replaced_ones_are_left_out(tmp_path: Path) -> None:
    period = tmp_path / "cur/report/20260601-20260701"
    for assembly in ("a1", "a2"):
        for number in (1, 2):
            write(period / assembly / f"report-{number}.csv.gz", f"{assembly}{number}")
    keys = [f"prefix/report/20260601-20260701/a2/report-{number}.csv.gz" for number in (1, 2)]
    write(period / "report-Manifest.json", cur("a2", *keys))
    plan = make_plan([str(tmp_path)])
    assert names(plan) == [("", "a2", ["report-1.csv.gz", "report-2.csv.gz"])]
    assert all(file.parent.name == "a2" for file in plan.deliveries[0].files)
    assert [file.parent.name for file, _ in plan.left_out] == ["a1", "a1"]


def test_a_copy_of_a_manifest_beside_its_files_is_the_same_edition(tmp_path: Path) -> None:
    write(tmp_path / "a2/report-1.csv.gz")
    for place in ("report-Manifest.json", "a2/report-Manifest.json"):
        write(tmp_path / place, cur("a2", "x/a2/report-1.csv.gz"))
    assert len(make_plan([str(tmp_path)]).deliveries) == 1


def test_the_manifest_above_says_which_assembly_counts(tmp_path: Path) -> None:
    for assembly in ("a1", "a2"):
        write(tmp_path / f"{assembly}/report-1.csv.gz", mtime=1)
        write(tmp_path / f"{assembly}/report-Manifest.json", cur(assembly, f"x/{assembly}/report-1.csv.gz"), mtime=1)
    write(tmp_path / "report-Manifest.json", cur("a1", "x/a1/report-1.csv.gz"), mtime=1)
    plan = make_plan([str(tmp_path)])
    assert names(plan) == [("", "a1", ["report-1.csv.gz"])]
    assert [file.parent.name for file, _ in plan.left_out] == ["a2"]


@pytest.mark.parametrize(
    ("directory", "written"),
    [("20260605T063012Z", 1780641012), ("2026-06-05T06:30:12.250Z-e1", 1780641012), ("e1", 7), ("20269905T063012Z", 7)],
)
def test_a_directory_of_aws_says_when_an_assembly_was_written(directory: str, written: int, tmp_path: Path) -> None:
    write(tmp_path / directory / "report-1.csv.gz")
    write(tmp_path / directory / "report-Manifest.json", cur("a", "x/report-1.csv.gz"), mtime=7)
    assert [each.written for each in make_plan([str(tmp_path)]).deliveries] == [written]


def test_partitions_of_a_month_are_parts_of_their_own(tmp_path: Path) -> None:
    for place in (
        "year=2026/month=06/day=01",
        "year=2026/month=06/day=02/region=eu",
        "BILLING_PERIOD=2026-06",
        "x=1/y",
    ):
        write(tmp_path / place / "part-0.csv.gz", place)
    parts = [part for part, *_ in names(make_plan([str(tmp_path)]))]
    assert sorted(parts) == ["day=01/part-0.csv", "day=02/region=eu/part-0.csv", "part-0.csv", "part-0.csv"]


def test_runs_of_an_export_of_azure_are_editions_of_one_part(tmp_path: Path) -> None:
    runs = [f"{number}165a158-7345-424e-ac81-dbca9923a029" for number in (1, 2)]
    for place in ("20260601-20260630", "20260608-20260614", "other"):
        for run in runs:
            write(tmp_path / place / f"costs_{run}.csv", run)
    parts = sorted(part for part, *_ in names(make_plan([str(tmp_path)])))
    weeks = ["20260601-20260630/costs.csv"] * 2 + ["20260608-20260614/costs.csv"] * 2
    assert parts == [*weeks, *(f"costs_{run}.csv" for run in runs)]


def test_data_exports_keep_manifests_beside_their_data(tmp_path: Path) -> None:
    write(tmp_path / "export/data/BILLING_PERIOD=2026-06/export-00001.csv.gz")
    manifest = {
        "executionId": "e1",
        "dataFiles": ["s3://bucket/p/export/data/BILLING_PERIOD=2026-06/export-00001.csv.gz"],
    }
    write(tmp_path / "export/metadata/BILLING_PERIOD=2026-06/export-Manifest.json", manifest)
    assert names(make_plan([str(tmp_path)])) == [("", "e1", ["export-00001.csv.gz"])]


def test_azure_s_manifest_tells_run_time_and_kind_of_cost(tmp_path: Path) -> None:
    write(tmp_path / "run/part_0_0001.csv")
    manifest = {
        "blobs": [{"blobName": "exports/daily/run/part_0_0001.csv"}],
        "runInfo": {"runId": "r1", "submittedTime": "2026-06-15T06:00:00.1234567Z"},
        "exportConfig": {"type": "AmortizedCost"},
    }
    write(tmp_path / "run/manifest.json", manifest)
    (delivery,) = make_plan([str(tmp_path)]).deliveries
    assert (delivery.assembly, delivery.written, delivery.dataset) == ("r1", 1781503200, "amortised")


def test_a_manifest_that_names_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    manifest = write(tmp_path / "m.json", cur("a", "x/one.csv"))
    with pytest.raises(PlanError, match=r"names x/one\.csv, which is not there"):
        make_plan([str(manifest)])


def test_json_that_is_no_manifest_is_a_bill(tmp_path: Path) -> None:
    write(tmp_path / "costs.json", {"data": []})
    write(tmp_path / "broken.json", "{")
    assert [part for part, *_ in names(make_plan([str(tmp_path)]))] == ["broken.json", "costs.json"]
