"""Commands about shared, unattributed and reconciled cost, over what the API really answers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson
import pytest
import typer
from typer.testing import CliRunner

from app import commands_finance
from tests.app.api.cost_questions import RULES, WHOLE, answered
from tests.app.api.test_reconciliation import BILL, MATCH, METERED
from tests.app.api.test_remediation import LOST
from tests.live import bill

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

WINDOW = ("--start", WHOLE["start"], "--end", WHOLE["end"])
EVENTS: dict[str, Any] = {
    "/allocations": (RULES, None),
    "/remediation": ("", LOST),
    "/reconciliation": (MATCH, METERED + BILL),
}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Answer questions as the API does, and note them."""
    questions: list[dict[str, Any]] = []

    def ask(path: str, given: dict[str, Any], *_: Any) -> Any:
        questions.append(given)
        config, events = EVENTS[path]
        return asyncio.run(answered(path, config, events, **given))

    monkeypatch.setattr(commands_finance, "ask", ask)
    return questions


def costguard(*arguments: str) -> Result:
    app = typer.Typer()
    commands_finance.register(app)
    result = CliRunner().invoke(app, [*arguments])
    assert result.exit_code == 0, result.output
    return result


def lines(*arguments: str) -> list[list[str]]:
    return [line.split() for line in costguard(*arguments, *WINDOW).output.splitlines()]


def test_options_are_parameters(asked: list[dict[str, Any]]) -> None:
    lines("allocations", "--source", "billed", "--basis", "list", "--charge-category", "tax", "--tenant", "acme")
    assert asked == [{**WHOLE, "source": "billed", "basis": "list", "charge_category": ["tax"], "tenant": ["acme"]}]


def test_allocations_say_from_where_to_whom_and_by_what(asked: list[dict[str, Any]]) -> None:
    _, header, first, *_ = lines("allocations", "--source", "billed")
    assert asked
    assert header == ["day", "from", "what", "borne", "by", "USD", "share", "rule", "by"]
    assert first == [
        "2026-06-01", "service=platform", "compute.amazon_ec2", "tenant=acme", "2.50", "25.0%", "platform@3", "1",
        "compute.requests",
    ]  # fmt: skip


def test_nothing_shared_says_that_no_rule_matched(asked: list[dict[str, Any]]) -> None:
    output = costguard("allocations", "--tenant", "nobody", *WINDOW).output
    assert output == "nothing was shared: none of the rules shares out cost of what was asked for (1 configured)\n"
    assert asked


def test_nothing_shared_says_how_to_share_where_there_is_no_rule(
    asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(EVENTS, "/allocations", ("", None))
    output = costguard("allocations", *WINDOW).output
    assert output == "nothing was shared: write [[allocation]] rules (docs/allocation.md)\n"
    assert asked


def test_remediation_is_ranked_with_guesses_and_a_total(asked: list[dict[str, Any]]) -> None:
    *_, dearest, second, total = lines("remediation", "--source", "billed")
    assert asked
    assert dearest == [
        "-40.00",
        "cannot",
        "be",
        "tagged",
        "aws",
        "compute.amazon_ec2",
        "credit",
        "core",
        "(67%",
        "by",
        "service)",
    ]
    assert second == ["5.00", "not", "tagged", "aws", "compute.amazon_ec2", "usage", "core", "(67%", "by", "tag)"]
    assert total == ["unattributed", "-35.00", "of", "total", "-26.00", "USD", "(134.6%)"]


def test_remediation_of_nothing_is_a_sentence(monkeypatch: pytest.MonkeyPatch, asked: list[dict[str, Any]]) -> None:
    monkeypatch.setitem(EVENTS, "/remediation", ("", []))
    assert costguard("remediation", *WINDOW).output == "all cost has an owner\n"
    assert asked


def test_remediation_of_files_names_accounts_and_resources(tmp_path: Path) -> None:
    lost = bill.lines(1, days=1)[0] | {"BilledCost": "5", "ResourceId": "i-1", "ChargeCategory": "Usage"}
    owned = lost | {"BilledCost": "7", "Tags": '{"team": "core"}'}
    path = str(bill.write(tmp_path / "bill.csv", [lost, owned]))
    *_, found, total = (line.split() for line in costguard("remediation", path).output.splitlines())
    assert found[-6:] == ["acct-1", "i-1", "core", "(100%", "by", "resource)"]
    assert total == ["unattributed", "5.00", "of", "total", "12.00", "USD", "(41.7%)"]


def test_files_are_searched_as_a_whole() -> None:
    app = typer.Typer()
    commands_finance.register(app)
    for wrong, name in (("--tenant=acme", "--dimension"), ("--dimension=colour", "tenant"), ("--basis=x", "billed")):
        result = CliRunner().invoke(app, ["remediation", "bill.csv", wrong])
        assert (result.exit_code, name in result.output) == (1, True), result.output


def test_reconcile_tells_drift_prices_both_totals_and_that_a_bill_is_not_complete(asked: list[dict[str, Any]]) -> None:
    *_, first, second, total, legend = lines("reconcile")
    assert asked
    assert first == [
        "2026-06-01", "aws", "compute.gpu_hours", "complete", "amazon_ec2", "16.00", "20.00", "4.00", "+25.0", "4.00",
        "2.00", "2.50",
    ]  # fmt: skip
    assert second[3] == "partial"
    assert total == ["metered", "22.00,", "billed", "29.00,", "drift", "7.00", "USD"]
    assert legend[:2] == ["partial:", "bills"]


def test_reconcile_does_not_call_it_drift_that_no_bill_came(
    monkeypatch: pytest.MonkeyPatch, asked: list[dict[str, Any]]
) -> None:
    monkeypatch.setitem(EVENTS, "/reconciliation", (MATCH, METERED[2:]))
    *_, row, total, legend = lines("reconcile")
    assert asked
    assert row[3:] == ["none", "6.00", "0.00", "-6.00", "-6.00", "2.00"]
    assert " ".join(total) == "metered 0.00, billed 0.00, drift 0.00 USD; 6.00 more was metered without a bill"
    assert legend[:2] == ["none:", "bills"]


def test_reconcile_says_that_usage_has_no_price(monkeypatch: pytest.MonkeyPatch, asked: list[dict[str, Any]]) -> None:
    unpriced = METERED[0]._replace(amount=None)
    monkeypatch.setitem(EVENTS, "/reconciliation", (MATCH, [unpriced, *BILL]))
    *_, first, _, total, _ = lines("reconcile")
    assert asked
    assert first[5:9] == ["no", "price", "20.00", "20.00"]
    assert first[-3:] == ["no", "price", "3.333333"]
    assert total[-4:] == ["event", "without", "a", "price"]


def test_json_is_the_answer_as_it_came(asked: list[dict[str, Any]]) -> None:
    assert orjson.loads(costguard("reconcile", "--json", *WINDOW).output)["drift"] == "7.00"
    assert asked
