"""What is printed is whole at any width."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from app import terminal
from app.anomaly_tables import anomalies_table
from tests.app.anomalies import shown

ID = "a-" + "0123456789abcdef" * 2
SCOPE = "tenant=acme,service=an-elastic-service-with-a-long-name-[[x]]"


def printed(width: int) -> str:
    scope = dict(term.split("=") for term in SCOPE.split(","))
    console = Console(width=width, file=io.StringIO(), record=True, markup=False, highlight=False)
    row = shown() | {"anomaly_id": ID, "actual": "123456789.12", "scope": scope}
    terminal.show(console, anomalies_table([row, row]))
    return console.export_text()


@pytest.mark.parametrize("width", [20, 40, 80, 120, 160, 240])
def test_nothing_is_cut_or_wider_than_the_terminal(width: int) -> None:
    text = printed(width)
    assert "\N{HORIZONTAL ELLIPSIS}" not in text
    assert max(map(len, text.splitlines())) <= width


@pytest.mark.parametrize("width", [70, 80, 100])
def test_a_narrow_terminal_has_a_line_for_each_cell(width: int) -> None:
    rows = [line.split() for line in printed(width).splitlines()]
    assert rows.count(["id", ID]) == 2
    assert rows.count(["actual", "123,456,789.12"]) == 2


@pytest.mark.parametrize("width", [80, 240])
def test_scopes_are_no_markup(width: int) -> None:
    assert SCOPE in printed(width)


def test_figures_are_not_broken_where_names_can_fold() -> None:
    text = printed(150)
    assert "123,456,789.12" in text
    assert text.splitlines()[1].split()[:3] == ["since", "severity", "kind"]


def test_lines_are_as_long_as_they_are_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    line = f"{'/a-long-directory' * 20}/[[x]].jsonl: :smile: [bold]"
    terminal.answering().print(line)
    terminal.reporting().print(line)
    assert capsys.readouterr() == (f"{line}\n", f"{line}\n")
