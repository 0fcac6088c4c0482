"""`costguard backtest`: what other budgets, flag rules and detection would have told of what was spent."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path  # noqa: TC003 - typer reads it
from typing import TYPE_CHECKING, Annotated, Any, Final

import orjson
import typer
from rich.console import Console
from rich.progress import Progress

from app import query_tables as tables
from app import terminal
from app.commands_query import Api, Json, Token, base_url
from app.endings import fail
from app.runtime import NotRunningError
from app.settings import SettingsError, from_environment, load_configuration
from domain.backtest import ANOMALY, BUDGET, Backtest, compare
from domain.windows import DAY, HOUR, floor, to_rfc3339

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from app.settings import Configuration
    from domain.backtest import Fired

    Rows = Sequence[tuple[Fired, bool, bool]]

KEPT_DAYS: Final = 99
WARM_UP_DAYS: Final = 28
_MARKS: Final = {(True, True): "both", (True, False): "proposed", (False, True): "told"}
_STYLES: Final = {"both": "", "proposed": "green", "told": "red"}


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("backtest")(backtest)


def backtest(
    *,
    config: Annotated[Path, typer.Option(metavar="FILE", help="what to try: budgets, flags, [anomaly]")],
    start: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="first day, UTC")],
    end: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="day after the last, UTC")] = None,
    warm_up: Annotated[int, typer.Option(min=0, max=KEPT_DAYS, help="days before, to learn from")] = WARM_UP_DAYS,
    api: Api = None,
    token: Token = None,
    json: Json = False,
) -> None:
    """Replay history through a configuration, and show what it would have told beside what was told."""
    now = int(time.time())
    first = int(start.replace(tzinfo=UTC).timestamp())
    until = None if end is None else int(end.replace(tzinfo=UTC).timestamp())
    last = min(floor(now, HOUR), until or now)
    if wrong := _misses(first, until, now):
        fail(wrong)
    try:
        proposed = load_configuration(config)
    except SettingsError as error:
        fail(str(error))
    earliest = max(first - warm_up * DAY, floor(now - KEPT_DAYS * DAY, DAY))
    would = _play(proposed, (earliest, first, last), api, token)
    did = _told(first, last)
    _show(compare(would, did or []), (first, last), known=did is not None, json=json)


def _misses(first: int, until: int | None, now: int) -> str | None:
    """Return what is wrong with the days asked about; None when history has them."""
    if until is not None and first >= until:
        return "--to: is not after --from; it is the day after the last one"
    if first >= floor(now, HOUR):
        return f"--from: no hour after {to_rfc3339(first)} is over yet; it is {to_rfc3339(now)}"
    if first < now - KEPT_DAYS * DAY:
        earliest = to_rfc3339(floor(now - (KEPT_DAYS - 1) * DAY, DAY))[:10]
        return f"--from: history by the hour goes back {KEPT_DAYS} days; the first whole day is {earliest}"
    return None


def _play(proposed: Configuration, span: tuple[int, int, int], api: str | None, token: str | None) -> list[Fired]:
    from app.adapters.api_client import ApiClient, ApiError  # noqa: PLC0415 - not for `--help`
    from app.backtesting import TooManyError, history  # noqa: PLC0415

    client = ApiClient(base_url(api), token)

    def ask(question: dict[str, str]) -> Any:
        try:
            return client.get("/costs", question)
        except ApiError as error:
            if "more than" in str(error):
                raise TooManyError(str(error)) from error
            raise

    earliest, first, last = span
    run = Backtest(proposed.budgets, proposed.anomaly, first)
    try:
        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("Playing history", total=(last - earliest) // HOUR)
            for hour, lines in history(ask, earliest, last):
                run.hour(hour, lines)
                bar.advance(task)
    except (ApiError, TooManyError) as error:
        fail(str(error))
    return run.fired


def _told(start: int, end: int) -> list[Fired] | None:
    """Return what the running system told; None when its broker cannot be asked."""
    from app.adapters.bulk_producer import KafkaError  # noqa: PLC0415 - not for `--help`
    from app.adapters.kafka import read_all  # noqa: PLC0415
    from app.backtesting import told  # noqa: PLC0415
    from app.replaying import find_runtime  # noqa: PLC0415
    from app.topics import Topics  # noqa: PLC0415

    try:
        runtime = find_runtime(from_environment())
        topics = Topics(runtime.topic_prefix)
        values = asyncio.run(read_all(runtime.broker, [topics.budget_threshold_crossed, topics.anomaly_detected]))
    except (NotRunningError, KafkaError):
        return None
    return list(told(values, start, end))


def _show(rows: Rows, span: tuple[int, int], *, known: bool, json: bool) -> None:
    start, end = map(to_rfc3339, span)
    if json:
        answer = {
            "window": {"start": start, "end": end},
            "told_known": known,
            "fired": [_as_json(*row) for row in rows],
        }
        typer.echo(orjson.dumps(answer, option=orjson.OPT_INDENT_2))
        return
    console = terminal.answering()
    if rows:
        terminal.show(console, _table(rows))
    else:
        console.print("nothing would have been told, and nothing was")
    for what, name in ((BUDGET, "thresholds"), (ANOMALY, "anomalies")):
        of = [(proposed, told) for each, proposed, told in rows if each.what == what]
        line = f"{name} proposed: {sum(proposed for proposed, _ in of)}"
        if known:
            line += f", told: {sum(told for _, told in of)}, both: {sum(proposed and told for proposed, told in of)}"
        console.print(line)
    console.print(f"Looked from {tables.moment(start)} to {tables.moment(end)} UTC, up to the last whole hour.")
    if not known:
        console.print("The broker does not answer, so what was told is unknown.")


def _table(rows: Rows) -> Table:
    columns = [("time", False), ("", False), ("what", False), ("scope", False), ("detail", False), ("flags", False)]
    table = tables.new_table("Told by the proposed configuration, and by the system", columns)
    for each, proposed, told in rows:
        mark = _MARKS[proposed, told]
        cells = tables.moment(to_rfc3339(each.at)), mark, each.what, each.scope, each.detail, " ".join(each.flags)
        tables.add_row(table, *cells, style=_STYLES[mark])
    return table


def _as_json(each: Fired, proposed: bool, told: bool) -> dict[str, Any]:  # noqa: FBT001 - a row taken apart
    return {
        "time": to_rfc3339(each.at),
        "what": each.what,
        "scope": each.scope,
        "detail": each.detail,
        "flags": list(each.flags),
        "proposed": proposed,
        "told": told,
    }
