from __future__ import annotations

import csv
import gzip
from typing import TYPE_CHECKING

import pytest
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


def test_the_second_row_of_a_file_is_not_odd() -> None:
    rows = ["2026-10-01,100.92", "2026-10-02,100.59", "2026-10-03,101.3"]
    result = CliRunner().invoke(app, ["score", "-"], input="\n".join(["timestamp,value", *rows]))
    assert [line[-1] for line in result.output.splitlines()[1:]] == ["0", "0", "0"]


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
        "costguard: -: at least 3 different times are needed\n",
    )


def asked(command: list[str], text: str | bytes) -> tuple[int, list[str]]:
    result = CliRunner().invoke(app, command, input=text)
    return result.exit_code, result.output.splitlines()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "line 1: expected the columns timestamp,value"),
        ("2026-01-01,5\n2026-01-02,6\n", "line 1: expected the columns timestamp,value"),
        ("timestamp,value\n", "no rows"),
        ("timestamp,value\n1793491200000,1\n", "line 2: '1793491200000' is not a time such as 2026-11-01T00:00:00Z"),
        ("timestamp,value\n1\n", "line 2: too few columns"),
        ("timestamp,value\n1,\n", "line 2: '' is not a finite number"),
        ("timestamp,value\n1,nan\n", "line 2: 'nan' is not a finite number"),
        ("timestamp,value\n1,-inf\n", "line 2: '-inf' is not a finite number"),
        (f"timestamp,value\n1,{'x' * 60}\n", f"line 2: '{'x' * 40}...' is not a finite number"),
    ],
)
@pytest.mark.parametrize("command", [["score", "-"], ["forecast", "-", "--horizon", "2"]])
def test_what_cannot_be_read_is_one_line_of_error(command: list[str], text: str, reason: str) -> None:
    assert asked(command, text) == (1, [f"costguard: -: {reason}"])


def test_a_field_without_end_is_one_line_of_error() -> None:
    limit = csv.field_size_limit(131_072)  # other readers raise it, for the whole process
    try:
        found = asked(["score", "-"], f"timestamp,value\n1,{'1' * 200_000}\n")
    finally:
        csv.field_size_limit(limit)
    assert found == (1, ["costguard: -: line 2: field larger than field limit (131072)"])


def test_what_is_no_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "bytes.csv").write_bytes(b"timestamp,value\n\xff,1\n")
    assert asked(["score", str(tmp_path / "none.csv")], "") == (
        1,
        [f"costguard: {tmp_path}/none.csv: No such file or directory"],
    )
    assert asked(["score", str(tmp_path)], "") == (1, [f"costguard: {tmp_path}: Is a directory"])
    assert asked(["score", str(tmp_path / "bytes.csv")], "") == (
        1,
        [f"costguard: {tmp_path}/bytes.csv: not UTF-8 text"],
    )


@pytest.mark.parametrize(
    "rows",
    [
        ["5,1", "3,2", "3,2", "4,7"],  # a clock that was set back
        ["1,1e308", "2,-1e308", "3,0"],
        ["253402300799,1", "-5,1", "0,2"],
        ["9999-12-31,1", "0001-01-01,2"],
        ["2026-01-01,5"],
    ],
)
def test_every_row_is_scored_whatever_its_time_and_size(rows: list[str]) -> None:
    code, (_, *lines) = asked(["score", "-"], "\n".join(["timestamp,value", *rows]))
    assert code == 0
    assert [line.rsplit(",", 2)[0] for line in lines] == rows
    assert all(0 <= float(line.split(",")[2]) <= 1 for line in lines)


def test_rows_before_one_that_cannot_be_read_are_scored() -> None:
    code, lines = asked(["score", "-"], "timestamp,value\n1,5\n2,6\n3,?\n4,6\n")
    assert (code, len(lines)) == (1, 4)
    assert lines[-1] == "costguard: -: line 4: '?' is not a finite number"


def test_a_history_in_any_order_with_gaps_has_the_forecast_of_the_whole_one() -> None:
    rows = [f"2026-09-{day:02d},{100 - 40 * (day % 7 >= 5)}" for day in range(1, 31)]
    command = ["forecast", "-", "--horizon", "7"]
    whole = asked(command, "\n".join(["timestamp,value", *rows]))[1]
    assert asked(command, "\n".join(["timestamp,value", *reversed(rows)]))[1] == whole
    code, (warning, *twice) = asked(command, "\n".join(["timestamp,value", "2026-09-03,9", *rows]))
    assert (code, warning, twice) == (0, "costguard: -: 1 row repeats a timestamp; the last one counts", whole)
    del rows[9]  # a Thursday: on the line between its neighbours
    assert [line.split(",")[:2] for line in asked(command, "\n".join(["timestamp,value", *rows]))[1]] == [
        line.split(",")[:2] for line in whole
    ]


def test_times_beyond_the_calendar_are_said() -> None:
    for last in ("9999-12-29\n9999-12-30\n9999-12-31", "1e11\n2e11\n2.5e11"):
        rows = "\n".join(f"{at},5" for at in last.split())
        code, lines = asked(["forecast", "-", "--horizon", "2"], f"timestamp,value\n{rows}\n")
        assert code == 1
        assert lines == [f"costguard: -: 2 steps after {last.split()[-1]} are beyond the calendar"]


def test_parts_of_a_second_and_of_a_cent_are_kept() -> None:
    rows = "\n".join(f"{step / 10:.1f},{1e-9 * (1 + step % 2)}" for step in range(20))
    lines = asked(["forecast", "-", "--horizon", "2"], f"timestamp,value\n{rows}\n")[1]
    assert [line.split(",")[0] for line in lines[1:]] == ["2.0", "2.1"]
    assert all(0.5e-9 < float(line.split(",")[1]) < 3e-9 for line in lines[1:])


@pytest.mark.parametrize("name", ["history.csv.gz", "history.csv"])
def test_a_packed_history_is_read_whatever_its_name(tmp_path: Path, name: str) -> None:
    rows = "timestamp,value\n1,1\n2,1\n3,2\n"
    path = tmp_path / name
    path.write_bytes(gzip.compress(rows.encode()))
    for command in (["score"], ["forecast", "--horizon", "2"]):
        assert asked([*command, str(path)], "") == asked([*command, "-"], rows)


def test_a_damaged_packed_history_is_one_line_of_error(tmp_path: Path) -> None:
    path = tmp_path / "history.csv.gz"
    path.write_bytes(gzip.compress(b"timestamp,value\n" * 1000)[:40])
    code, lines = asked(["score", str(path)], "")
    assert (code, len(lines)) == (1, 1)
    assert lines[0].startswith(f"costguard: {path}: ")


def test_packed_standard_input_is_told_how_to_be_read() -> None:
    code, (line,) = asked(["score", "-"], gzip.compress(b"timestamp,value\n1,1\n"))
    assert (code, line) == (1, "costguard: -: not UTF-8 text; what is packed is read from a file only")
