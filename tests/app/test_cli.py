"""The command line: help, version, and one line instead of a traceback."""

from __future__ import annotations

import inspect
import socket
import sys
from typing import TYPE_CHECKING

import pytest

from app import cli, settings
from app.adapters.loopback import free_port

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def nothing_configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in settings.DEFAULTS:
        monkeypatch.delenv(f"COSTGUARD_{name.upper()}", raising=False)
    monkeypatch.setenv("COSTGUARD_DATA_DIR", str(tmp_path / "var"))


def costguard(*arguments: str, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "argv", ["costguard", *arguments])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert isinstance(caught.value.code, int)
    return caught.value.code


def refusal(*arguments: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """Return the last line on standard error of a command that must fail with exit code 2."""
    assert costguard(*arguments, monkeypatch=monkeypatch) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err
    return err.splitlines()[-1]


def test_the_version_is_printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert costguard("--version", monkeypatch=monkeypatch) == 0
    assert capsys.readouterr().out.startswith("costguard 0.")


def test_help_names_the_commands(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert costguard("--help", monkeypatch=monkeypatch) == 0
    text = capsys.readouterr().out
    assert all(command in text for command in ("up", "replay", "demo"))


def test_every_flag_of_up_is_a_setting() -> None:
    assert set(inspect.signature(cli.up).parameters) <= set(settings.DEFAULTS)


def test_a_bad_variable_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COSTGUARD_WORKERS", "many" * 100)
    line = refusal("up", monkeypatch=monkeypatch, capsys=capsys)
    assert line == f"costguard: COSTGUARD_WORKERS: '{'many' * 100}' is not a whole number"


def test_a_bad_flag_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    line = refusal("up", "--api-port", "[red]", monkeypatch=monkeypatch, capsys=capsys)
    assert line == "costguard: --api-port: '[red]' is not a whole number"


def test_a_bad_file_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "costguard.toml").write_text('[[budgets]]\nscope = "all"\nlimit = "lots"\n')
    path = str(tmp_path / "costguard.toml")
    line = refusal("up", "--config", path, monkeypatch=monkeypatch, capsys=capsys)
    assert line.startswith("costguard: budgets[0].limit: ")


def test_another_address_without_tokens_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = refusal("up", "--api-host", "0.0.0.0", monkeypatch=monkeypatch, capsys=capsys)
    assert line.startswith("costguard: COSTGUARD_API_HOST: 0.0.0.0 can be reached from other machines")


def test_a_port_in_use_is_one_line_before_anything_is_started(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("COSTGUARD_API_PORT", str(free_port()))
        monkeypatch.setenv("COSTGUARD_EMBEDDED_BROKER_PORT", str(taken.getsockname()[1]))
        line = refusal("up", monkeypatch=monkeypatch, capsys=capsys)
    assert line.startswith("costguard: COSTGUARD_EMBEDDED_BROKER_PORT: port ")
    assert not (tmp_path / "var" / "logs").exists()


def test_a_typo_in_a_variable_and_the_fate_of_the_data_are_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "_supervise", lambda *_, **__: 0)
    monkeypatch.setenv("COSTGUARD_WORKER", "2")
    assert costguard("up", "--redis-url", "redis://cache:6379/0", monkeypatch=monkeypatch) == 0
    err = capsys.readouterr().err.splitlines()
    assert err[0] == "costguard: COSTGUARD_WORKER: not a setting; did you mean COSTGUARD_WORKERS?"
    assert "in memory" in err[1]
    assert "Redis is not embedded" in err[2]


def test_with_a_broker_of_ones_own_there_is_nothing_to_remark(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "_supervise", lambda *_, **__: 0)
    assert costguard("up", "--broker-url", "kafka://broker", monkeypatch=monkeypatch) == 0
    assert capsys.readouterr().err == ""
