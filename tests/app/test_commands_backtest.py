"""`costguard backtest` from the command line: history from the API, what would have been told as a table or JSON."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from typer.testing import CliRunner

from app.adapters.api_client import ApiClient, ApiError
from app.cli import app
from domain.windows import DAY, HOUR, parse_instant, to_rfc3339

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """
[anomaly]
enabled = false

[[budgets]]
scope = "tenant=acme"
limit = "100.00"
period = "day"
thresholds = [0.5]
flags = [{ key = "tier", at = 0.5, variant = "throttled" }]
forecast = { at = [] }
"""
KEY = {
    "tenant": "acme", "environment": "production", "feature": "search", "service": "ranker", "team": "search",
    "resource_type": "compute.requests",
}  # fmt: skip
YESTERDAY = to_rfc3339(int(time.time()) // DAY * DAY - DAY)[:10]


def ten_dollars_an_hour(_: ApiClient, path: str, question: dict[str, str]) -> Any:
    assert path == "/costs"
    start, end = (int(parse_instant(question[name]).timestamp()) for name in ("start", "end"))
    groups = [
        {"key": KEY, "start": to_rfc3339(at), "amount": "10.00", "units": "4", "events": 2}
        for at in range(start, end, HOUR)
    ]
    return {"groups": groups}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COSTGUARD_DATA_DIR", str(tmp_path / "nothing runs here"))
    monkeypatch.setattr(ApiClient, "get", ten_dollars_an_hour)
    path = tmp_path / "new.toml"
    path.write_text(CONFIG)
    return path


def test_it_lists_what_would_have_been_told_and_with_which_flags(config: Path) -> None:
    result = CliRunner().invoke(app, ["backtest", "--config", str(config), "--from", YESTERDAY, "--json"])
    assert result.exit_code == 0, result.output
    answer = orjson.loads(result.stdout)
    first = answer["fired"][0]
    assert (first["time"], first["detail"]) == (f"{YESTERDAY}T05:00:00Z", "actual crossed 0.5")
    assert (first["flags"], first["proposed"], first["told"]) == (["tier=throttled"], True, False)
    assert answer["told_known"] is False
    window = answer["window"]
    assert window["start"] == f"{YESTERDAY}T00:00:00Z"
    assert window["end"].endswith(":00:00Z")
    assert parse_instant(window["end"]).timestamp() > time.time() - 2 * HOUR


def test_the_table_says_that_what_was_told_is_unknown_without_a_broker(config: Path) -> None:
    result = CliRunner().invoke(app, ["backtest", "--config", str(config), "--from", YESTERDAY])
    assert result.exit_code == 0, result.output
    assert "actual crossed 0.5" in result.stdout
    assert "what was told is unknown" in result.stdout
    assert f"Looked from {YESTERDAY} 00:00 to " in result.stdout


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--from", "2001-01-01"], "history by the hour goes back 99 days"),
        (["--from", YESTERDAY, "--to", YESTERDAY], "--to: is not after --from"),
        (["--from", "2101-02-03", "--to", "2101-02-01"], "--to: is not after --from"),
        (["--from", "2101-01-01"], "--from: no hour after 2101-01-01T00:00:00Z is over yet"),
        (["--from", YESTERDAY, "--config", "/nowhere.toml"], "cannot read /nowhere.toml"),
    ],
)
def test_what_cannot_be_played_is_one_line(config: Path, options: list[str], line: str) -> None:
    result = CliRunner().invoke(app, ["backtest", "--config", str(config), *options])
    assert result.exit_code == 1
    assert line in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_an_api_that_does_not_answer_is_one_line(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any) -> Any:
        raise ApiError("the API at http://127.0.0.1:8000 is not reachable (refused); is costguard up?")

    monkeypatch.setattr(ApiClient, "get", away)
    result = CliRunner().invoke(app, ["backtest", "--config", str(config), "--from", YESTERDAY])
    assert result.exit_code == 1
    assert "is costguard up?" in result.stderr
