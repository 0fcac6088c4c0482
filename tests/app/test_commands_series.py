from __future__ import annotations

from typing import TYPE_CHECKING

from typer.testing import CliRunner

from app.cli import app

if TYPE_CHECKING:
    from pathlib import Path


def test_score_prints_every_row_with_its_score(tmp_path: Path) -> None:
    history = tmp_path / "history.csv"
    rows = [f"{60 * i},{5 + i % 3 + 40 * (i == 900)}" for i in range(1000)]
    history.write_text("\n".join(["timestamp,value", *rows]))
    result = CliRunner().invoke(app, ["score", str(history)])
    header, *lines = result.output.splitlines()
    assert header == "timestamp,value,anomaly_score,anomaly"
    assert [line.split(",")[:2] for line in lines] == [row.split(",") for row in rows]
    assert [line.split(",")[0] for line in lines[200:] if line.endswith(",1")] == [str(60 * 900)]


def test_score_reads_standard_input() -> None:
    result = CliRunner().invoke(app, ["score", "-"], input="timestamp,value\n0,1\n60,1\n")
    assert result.output.splitlines()[1:] == ["0,1,0.000000,0", "60,1,0.000000,0"]


def test_score_says_which_line_it_cannot_read() -> None:
    result = CliRunner().invoke(app, ["score", "-"], input="timestamp,value\nx,1\n")
    assert (result.exit_code, result.output) == (
        1,
        "costguard: -: line 2: 'x' is not a time such as 2026-11-01T00:00:00Z\n",
    )


def test_forecast_prints_the_next_timestamps_with_their_band() -> None:
    rows = [f"2026-10-{day:02d},{100 - 40 * (day % 7 >= 5)}" for day in range(1, 29)]
    result = CliRunner().invoke(app, ["forecast", "-", "--horizon", "3"], input="\n".join(["timestamp,value", *rows]))
    header, *lines = result.output.splitlines()
    assert header == "timestamp,mean,lower,upper"
    assert [line.split(",")[0] for line in lines] == ["2026-10-29", "2026-10-30", "2026-10-31"]
    for line in lines:
        mean, lower, upper = map(float, line.split(",")[1:])
        assert lower <= mean <= upper


def test_forecast_of_a_month_goes_on_by_months() -> None:
    rows = [f"2025-{month:02d}-01 00:00:00,{month}" for month in range(1, 13)]
    result = CliRunner().invoke(app, ["forecast", "-", "--horizon", "2"], input="\n".join(["timestamp,value", *rows]))
    assert [line[:10] for line in result.output.splitlines()[1:]] == ["2026-01-01", "2026-02-01"]


def test_forecast_of_nearly_nothing_is_refused() -> None:
    result = CliRunner().invoke(app, ["forecast", "-", "--horizon", "2"], input="timestamp,value\n0,1\n")
    assert (result.exit_code, result.output) == (
        1,
        "costguard: -: at least 3 rows in the order of time are needed\n",
    )
