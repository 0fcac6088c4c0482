"""Questions asked from the command line, to a server on loopback that answers what it is told to."""

from __future__ import annotations

from contextlib import contextmanager
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from app.adapters.loopback import free_port
from app.commands_query import register
from app.query_tables import BAR_CELLS, bar, money, precise, price
from app.runtime import FILE_NAME, Runtime, write_runtime
from tests.app.anomalies import shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from typer.testing import Result

COSTS = {
    "currency": "USD",
    "window": {"start": "2026-11-23T10:00:00Z", "end": "2026-11-24T10:00:00Z"},
    "total": "4000.00",
    "groups": [
        {"key": {"tenant": "acme", "feature": "search"}, "amount": "3000.00", "units": "1", "events": 12_345},
        {"key": {"tenant": "globex", "feature": "[red]chat\x1b[2J"}, "amount": "1000.00", "events": 1},
    ],
    "unpriced": {"events": 7},
    "completeness": {"metered": {"watermark": None, "lag": 0}, "billed": None},
}
UNIT_COSTS = {
    "currency": "USD",
    "window": COSTS["window"],
    "features": [
        {"feature": "search", "unit": "request", "count": "12000", "cost": "3.00", "unit_cost": "0.00025",
         "trend_percent": "12.34"},
        {"feature": "chat", "unit": "gb", "count": "1", "cost": "3.00", "unit_cost": "3.00", "trend_percent": None},
        {"feature": "mail", "unit": "request", "count": "2", "cost": None, "unit_cost": None, "trend_percent": None,
         "unpriced": 2},
    ],
}  # fmt: skip
BUDGET = {
    "budget_id": "b-1", "scope": {"tenant": "acme"}, "limit": "80.00", "currency": "USD", "spent": "68.40",
    "ratio": "0.855", "period": {"name": "month"}, "crossed": ["0.7", "0.85"], "state": "crossed",
}  # fmt: skip
ANSWERS: dict[str, Any] = {
    "/costs": COSTS,
    "/unit-costs": UNIT_COSTS,
    "/budgets": {"budgets": [BUDGET]},
    "/anomalies": {"anomalies": [shown()]},
    "/anomalies/a-1": shown(),
    "/flags": {"flags": {"search-tier": {"state": "ENABLED", "variants": {}, "defaultVariant": "throttled"}}},
    "/dead-letters": {
        "dead_letters": [
            {"data": {"reason": "units: missing", "topic": "usage-metered", "partition": 1, "offset": 42, "size": 99}}
        ]
    },
}


class Server:
    """Where it listens, and what it was asked: path, query, Authorization."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, list[str]], str | None]] = []
        self.problem: dict[str, Any] | None = None
        self.url = ""


@contextmanager
def serving(server: Server) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            server.asked.append((url.path, parse_qs(url.query), self.headers.get("authorization")))
            self.send_response(422 if server.problem else 200)
            self.end_headers()
            self.wfile.write(orjson.dumps(server.problem or ANSWERS[url.path]))

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.url = f"http://127.0.0.1:{listener.server_port}"
    thread = Thread(target=listener.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    """Run a server that is found as a running `costguard up` is."""
    monkeypatch.setenv("COSTGUARD_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("COSTGUARD_TOKEN", raising=False)
    answering = Server()
    with serving(answering):
        write_runtime(tmp_path, Runtime(broker="", redis="", api=answering.url))
        yield answering


def costguard(*arguments: str) -> Result:
    app = typer.Typer()
    register(app)
    return CliRunner().invoke(app, list(arguments))


def lines(*arguments: str) -> list[str]:
    result = costguard(*arguments)
    assert result.exit_code == 0, result.output
    return result.output.splitlines()


def test_options_become_query_parameters_and_what_is_not_given_is_not_sent(server: Server) -> None:
    lines("costs", "--window", "24h", "--group-by", "tenant,feature", "--tenant", "acme", "--tenant", "globex")
    assert server.asked == [
        ("/costs", {"window": ["24h"], "group_by": ["tenant,feature"], "tenant": ["acme", "globex"]}, None)
    ]


def test_costs_are_a_table_with_shares_and_bars(server: Server) -> None:
    assert server.url
    title, header, first, second, total = lines("costs")
    assert title.split() == ["2026-11-23", "10:00", "to", "2026-11-24", "10:00", "UTC"]
    assert header.split() == ["tenant", "feature", "USD", "share", "events"]
    assert first.split() == ["acme", "search", "3,000.00", "75.0%", "█" * 18, "12,345"]
    assert first.index("3,000.00") == second.index("1,000.00")
    assert total == "total 4,000.00 USD; 7 events without a price"


def test_names_from_senders_do_not_speak_to_the_terminal(server: Server) -> None:
    assert server.url
    output = "\n".join(lines("costs"))
    assert "[red]chat\N{REPLACEMENT CHARACTER}[2J" in output
    assert "\x1b" not in output


def test_json_is_the_answer_as_it_came(server: Server) -> None:
    assert server.url
    assert orjson.loads("\n".join(lines("costs", "--json"))) == COSTS


@pytest.mark.parametrize(
    ("command", "row"),
    [
        ("unit-costs", ["search", "request", "12,000", "3.00", "0.00025", "+12.3", "%"]),
        ("unit-costs", ["chat", "gb", "1", "3.00", "3.00", "new"]),
        ("unit-costs", ["mail", "request", "2", "no", "price", "no", "price"]),
        ("budgets", ["tenant=acme", "month", "68.40", "80.00", "USD", "85.5%", "████████████████████▌", "70%,", "85%",
                     "crossed"]),
        ("anomalies", ["2026-08-31", "00:00", "high", "spike", "tenant=acme,feature=search", "compute", "40.00",
                       "10.00", "+300", "%", "720.00", "open", "a-1"]),
        ("anomalies a-1", ["actual,", "drawn", "▃█"]),
        ("anomalies a-1", ["made", "of", "price", "1.00,", "volume", "28.00,", "mix", "1.00"]),
        ("flags", ["search-tier", "throttled", "everybody"]),
        ("dead-letters", ["usage-metered[1]@42", "99", "units:", "missing"]),
    ],
)  # fmt: skip
def test_every_answer_is_a_table(server: Server, command: str, row: list[str]) -> None:
    assert server.url
    assert row in [line.split() for line in lines(*command.split())]


IDS = [f"a-{'0' * 31}{last}" for last in "12"] + [f"a-2{'d' * 31}"]


def test_ids_and_scopes_are_whole_without_a_terminal(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    assert server.url
    long = shown() | {"anomaly_id": IDS[0], "scope": {"tenant": "t" * 90, "feature": "f" * 90}}
    monkeypatch.setitem(ANSWERS, "/anomalies", {"anomalies": [long]})
    *_, row = lines("anomalies")
    assert row.split()[4] == f"tenant={'t' * 90},feature={'f' * 90}"
    assert row.split()[-1] == IDS[0]


def test_an_anomaly_is_found_by_the_beginning_of_its_id(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = [shown() | {"anomaly_id": each} for each in IDS]
    monkeypatch.setitem(ANSWERS, "/anomalies", {"anomalies": listed})
    monkeypatch.setitem(ANSWERS, f"/anomalies/{IDS[2]}", listed[2])
    lines("anomalies", "a-2")
    assert [(path, query) for path, query, _ in server.asked] == [
        ("/anomalies", {"status": ["any"]}),
        (f"/anomalies/{IDS[2]}", {}),
    ]


def test_a_beginning_of_several_ids_lists_them(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    assert server.url
    monkeypatch.setitem(ANSWERS, "/anomalies", {"anomalies": [shown() | {"anomaly_id": each} for each in IDS]})
    result = costguard("anomalies", "a-0")
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        "costguard: 2 anomalies begin with a-0; give more of the one that is meant:",
        *(f"  {each}" for each in IDS[:2]),
    ]


def test_a_token_is_sent_as_bearer(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COSTGUARD_TOKEN", "s3cret")
    lines("budgets")
    assert server.asked == [("/budgets", {}, "Bearer s3cret")]


def test_a_given_address_wins(server: Server, tmp_path: Path) -> None:
    write_runtime(tmp_path, Runtime(broker="", redis="", api=f"http://127.0.0.1:{free_port()}"))
    lines("flags", "--api", server.url.removeprefix("http://"))
    assert len(server.asked) == 1


def test_what_the_api_refuses_is_one_line_and_exit_1(server: Server) -> None:
    server.problem = {"title": "Unprocessable Entity", "detail": "window: 'soon' is\nno window"}
    result = costguard("costs", "--window", "soon")
    assert result.exit_code == 1
    assert result.output == "costguard: /costs: 422 window: 'soon' is no window\n"


def test_an_api_that_is_not_there_is_one_line_and_exit_1(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    port = free_port()
    monkeypatch.setenv("COSTGUARD_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("COSTGUARD_API_PORT", str(port))
    result = costguard("costs")
    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    assert f"the API at http://127.0.0.1:{port} is not reachable" in result.output
    assert "--api URL" in result.output
    assert "COSTGUARD_DATA_DIR" in result.output


@given(st.decimals(min_value=-1, max_value=2, places=6), st.decimals(min_value=-1, max_value=2, places=6))
def test_a_larger_share_never_has_a_shorter_bar(one: Decimal, other: Decimal) -> None:
    small, large = sorted((one, other))
    assert len(bar(small)) <= len(bar(large)) <= BAR_CELLS
    assert bool(bar(large)) == (large > 0)


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "0.00"),
        ("1234.5", "1,234.50"),
        ("-3", "-3.00"),
        ("0.00025", "0.00025"),
        ("0.0000001234", "0.000000123"),
        ("1e30", "1.000000e+30"),
    ],
)
def test_amounts_are_rounded_for_reading_but_never_to_nothing(amount: str, text: str) -> None:
    assert money(Decimal(amount)) == text


@pytest.mark.parametrize(
    ("figure", "amount", "of_one"),
    [
        ("0", "0.00", "0.00"),
        ("4", "4.00", "4.00"),
        ("16.86463825633945085546875", "16.864638", "16.864638"),
        ("0.1000000000000008", "0.10", "0.10"),
        ("2.0000005", "2.00", "2.00"),
        ("2.0000015", "2.000002", "2.000002"),
        ("-1234567.125", "-1,234,567.125", "-1,234,567.125"),
        ("0.00000123456789", "0.000001", "0.00000123457"),
        ("0.000000123456789", "0.000000123", "0.000000123457"),
        ("1" * 40 + ".25", f"1,{','.join(['111'] * 13)}.25", f"1,{','.join(['111'] * 13)}.25"),
    ],
)
def test_figures_in_sentences_have_two_to_six_decimals(figure: str, amount: str, of_one: str) -> None:
    assert (precise(figure), price(figure)) == (amount, of_one)


def test_who_answers_is_said_where_nothing_was_started(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert costguard("flags").stderr == ""
    (tmp_path / FILE_NAME).unlink()
    monkeypatch.setenv("COSTGUARD_API_PORT", server.url.rpartition(":")[2])
    assert costguard("flags").stderr == f"costguard: {tmp_path} has no running system; {server.url} answered\n"
