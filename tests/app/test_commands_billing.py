"""The command `import-billing`, as a person types it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from app.cli import app
from tests.app.test_billing_import import write
from tests.domain.billing.bills import AZURE, FOCUS

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COSTGUARD_DATA_DIR", str(tmp_path / "var"))
    return tmp_path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["import-billing", *map(str, arguments)])


def test_a_dry_run_needs_no_system_and_sums_exactly(place: Path) -> None:
    path = write(place / "june.csv", [FOCUS, FOCUS | {"BilledCost": "0.000000001"}, FOCUS | {"BilledCost": "x"}])
    result = run("--dry-run", "--json", path)
    assert result.exit_code == 0
    summary = json.loads(result.stdout)
    assert summary["files"] == [{"file": str(path), "format": "focus 1.0"}]
    assert summary["total"][0]["billed"] == "10.100000001"
    assert summary["by_service"][0]["service"] == "Compute"
    assert summary["rejected"]["rows"] == 1
    assert summary["rejected"]["listed"] == [
        {"file": str(path), "line": 4, "reason": "BilledCost: 'x' is not a number"}
    ]


def test_a_person_sees_money_by_service_and_category_and_rejected_rows_with_their_lines(place: Path) -> None:
    result = run("--dry-run", write(place / "june.csv", [FOCUS, FOCUS | {"BilledCost": "x"}]))
    for text in ("june.csv: focus 1.0", "Usage", "Compute", "EUR", "10.10", "1 row rejected", "line 3: BilledCost"):
        assert text in result.stdout


def test_a_basis_that_no_row_tells_is_not_shown_as_zero(place: Path) -> None:
    path = write(place / "june.csv", [{name: cell for name, cell in FOCUS.items() if name != "ListCost"}])
    assert "not told" in run("--dry-run", path).stdout


def test_an_unknown_file_fails_and_the_others_are_read(place: Path) -> None:
    write(place / "bills/june.csv", [FOCUS])
    write(place / "bills/odd.csv", [{"when": "1", "how_much": "2"}])
    result = run("--dry-run", place / "bills")
    assert result.exit_code == 1
    assert "10.10" in result.stdout
    assert "refused" in result.stdout
    assert "when, how_much" in " ".join(result.stdout.split())
    assert result.stdout.strip().splitlines()[-1] == "1 file of 2 refused; 1 file read"


def test_files_of_an_edition_of_which_one_is_refused_are_told_to_be_refused_with_it(place: Path) -> None:
    write(place / "bills/june.csv", [FOCUS])
    write(place / "bills/odd.csv", [{"when": "1", "how_much": "2"}])
    manifest = {"assemblyId": "a", "reportKeys": ["june.csv", "odd.csv"]}
    (place / "bills/report-Manifest.json").write_text(json.dumps(manifest))
    result = run("--dry-run", place / "bills")
    assert result.exit_code == 1
    assert result.stdout.strip().splitlines()[-1] == "2 files of 2 refused; 0 files read"


@pytest.mark.parametrize("currency", ["XXQ", "usd", "dollars"])
def test_what_is_no_currency_is_a_wrong_command_line(currency: str, place: Path) -> None:
    result = run("--dry-run", "--currency", currency, write(place / "june.csv", [FOCUS]))
    assert result.exit_code == 2
    assert "ISO 4217" in result.stderr


def test_a_currency_that_no_file_names_is_said_and_can_be_given(place: Path) -> None:
    path = write(place / "june.csv", [{name: cell for name, cell in AZURE.items() if name != "BillingCurrency"}])
    assert "names no currency: read as USD" in run("--dry-run", path).stdout
    assert json.loads(run("--dry-run", "--json", "--currency", "CAD", path).stdout)["total"][0]["currency"] == "CAD"


def test_the_currency_of_files_that_name_none_is_the_configured_one(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = place / "costguard.toml"
    config.write_text('currency = "CHF"\n')
    monkeypatch.setenv("COSTGUARD_CONFIG", str(config))
    path = write(place / "june.csv", [{name: cell for name, cell in FOCUS.items() if name != "BillingCurrency"}])
    assert json.loads(run("--dry-run", "--json", path).stdout)["total"][0]["currency"] == "CHF"


def test_an_exchange_rate_that_is_not_known_is_named_with_its_month(place: Path) -> None:
    crowns = FOCUS | {"BillingCurrency": "HRK"}  # Croatia has the euro since 2023
    path = write(place / "june.csv", [FOCUS, crowns])
    reason = "no rate from HRK to USD for 2026-06; add it as [[fx.rates]] to the configuration"
    assert reason in " ".join(run("--dry-run", path).stdout.split())
    assert json.loads(run("--dry-run", "--json", path).stdout)["missing_rates"] == [reason]


def test_the_workers_configuration_is_named_as_what_needs_the_rate(place: Path) -> None:
    path = write(place / "june.csv", [FOCUS | {"BillingCurrency": "HRK"}])
    assert "configuration that the workers start with, restart them, and import again" in run("--dry-run", path).stdout


def test_paths_names_and_sums_are_whole_and_no_markup_without_a_terminal(place: Path) -> None:
    long = f"{'very-long-' * 20}june.csv"
    row = FOCUS | {"ServiceName": f"[bold]{'s' * 150}", "BilledCost": "12345678901234567.89"}
    result = run("--dry-run", write(place / long, [row]))
    assert f"{long}: focus 1.0" in result.stdout
    assert row["ServiceName"] in result.stdout
    assert "12,345,678,901,234,567.89" in result.stdout


def test_without_a_running_system_it_says_so(place: Path) -> None:
    result = run(write(place / "june.csv", [FOCUS]))
    assert result.exit_code == 1
    assert "costguard up is not running" in result.stderr


def test_a_file_that_is_not_there_is_one_line(place: Path) -> None:
    result = run("--dry-run", place / "none.csv")
    assert (result.exit_code, "no such file" in result.stderr) == (1, True)
