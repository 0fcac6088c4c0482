"""The commands about data as a person types them."""

from __future__ import annotations

import gzip
from datetime import date
from typing import TYPE_CHECKING

import pytest
import typer
from typer.testing import CliRunner

from app.commands_data import last_whole_month, register
from app.sample import generate

if TYPE_CHECKING:
    from pathlib import Path

RUNNER = CliRunner()


@pytest.fixture
def commands() -> typer.Typer:
    app = typer.Typer()
    register(app)
    return app


@pytest.mark.parametrize(
    ("today", "start", "end"),
    [
        (date(2026, 11, 23), date(2026, 10, 1), date(2026, 11, 1)),
        (date(2026, 1, 1), date(2025, 12, 1), date(2026, 1, 1)),
        (date(2024, 3, 31), date(2024, 2, 1), date(2024, 3, 1)),
    ],
)
def test_the_last_whole_month_is_over_today(today: date, start: date, end: date) -> None:
    assert last_whole_month(today) == (start, end)


def test_sample_writes_the_month_as_json_lines_the_same_packed_or_not(commands: typer.Typer, tmp_path: Path) -> None:
    plain, packed = tmp_path / "a.jsonl", tmp_path / "a.jsonl.gz"
    for path in (plain, packed):
        result = RUNNER.invoke(
            commands, ["sample", "-o", str(path), "--seed", "3", "--month", "2026-02", "--scale", "0.002"]
        )
        assert result.exit_code == 0, result.output
    expected = b"".join(emission.value + b"\n" for emission in generate(3, date(2026, 2, 1), 0.002))
    assert plain.read_bytes() == gzip.decompress(packed.read_bytes()) == expected


def test_sample_writes_the_prices_that_its_figures_need_and_says_so(commands: typer.Typer, tmp_path: Path) -> None:
    config, month = tmp_path / "prices.toml", ["--month", "2026-02", "--scale", "0.002"]
    result = RUNNER.invoke(commands, ["sample", *month])
    assert "sample --config FILE" in result.stderr
    packed = RUNNER.invoke(commands, ["sample", *month, "--config", str(config)])
    assert packed.stdout == result.stdout
    assert f"COSTGUARD_CONFIG={config} costguard up" in packed.stderr
    assert "[[prices]]" in config.read_text()
    nowhere = RUNNER.invoke(commands, ["sample", *month, "--config", str(tmp_path / "none" / "prices.toml")])
    assert (nowhere.exit_code, nowhere.stdout) == (1, "")
    assert f"{tmp_path}/none/prices.toml: No such file" in nowhere.stderr


def test_sample_goes_to_stdout_by_default(commands: typer.Typer) -> None:
    result = RUNNER.invoke(commands, ["sample", "--month", "2026-02", "--scale", "0.002"])
    assert result.stdout.count("\n") == sum(1 for _ in generate(7, date(2026, 2, 1), 0.002))


@pytest.mark.parametrize("month", ["2026", "2026-13", "October", "2026-10-01"])
def test_a_month_that_is_none_is_a_usage_error(commands: typer.Typer, month: str) -> None:
    result = RUNNER.invoke(commands, ["sample", "--month", month])
    assert result.exit_code == 2


def test_replaying_a_missing_file_names_it_and_sends_nothing(commands: typer.Typer) -> None:
    result = RUNNER.invoke(commands, ["replay", "nowhere.jsonl"])
    assert result.exit_code == 1
    assert "nowhere.jsonl: no such file" in result.output


def test_replaying_without_a_running_system_says_so(
    commands: typer.Typer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COSTGUARD_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("COSTGUARD_BROKER_URL", "embedded")
    file = tmp_path / "a.jsonl"
    file.write_bytes(b"{}")
    result = RUNNER.invoke(commands, ["replay", str(file)])
    assert result.exit_code == 1
    assert f"costguard up is not running in {tmp_path}" in result.output


def test_a_time_without_an_offset_is_a_usage_error(commands: typer.Typer, tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(b"{}")
    result = RUNNER.invoke(commands, ["replay", str(file), "--time", "2026-11-01T00:00:00"])
    assert result.exit_code == 2
