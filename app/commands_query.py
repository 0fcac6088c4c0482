"""Commands that ask the HTTP API and show the answer: as a table for people, with --json as it came."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import quote

import orjson
import typer

from app import anomaly_tables, terminal
from app import query_tables as tables
from app.endings import fail
from app.runtime import FILE_NAME, NotRunningError, read_runtime
from app.settings import from_environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.table import Table
    from rich.text import Text

_ASKING: Final = "Connection"
_FILTERS: Final = "Filters"
# "a-" and 32 hexadecimal digits.
_ID_LENGTH: Final = 34
_LISTED: Final = 10
NO_BUDGETS: Final = "no budgets: set one with PUT /budgets/tenant=acme, or in the configuration (docs/configuration.md)"

Api = Annotated[
    str | None,
    typer.Option("--api", metavar="URL", help="Default: where costguard up runs here", rich_help_panel=_ASKING),
]
Token = Annotated[
    str | None,
    typer.Option(envvar="COSTGUARD_TOKEN", metavar="SECRET", help="Bearer token", rich_help_panel=_ASKING),
]
Json = Annotated[bool, typer.Option("--json", help="Print the answer as it came")]
Values = Annotated[list[str] | None, typer.Option(help="Repeatable", rich_help_panel=_FILTERS)]
Window = Annotated[str | None, typer.Option(help="15m, 1h, 24h, 7d, 30d or mtd")]
Start = Annotated[str | None, typer.Option(metavar="RFC3339", help="Instead of --window; to now, or to --end")]
End = Annotated[str | None, typer.Option(metavar="RFC3339", help="With --start")]
Source = Annotated[str | None, typer.Option(help="metered, billed or best")]
Basis = Annotated[str | None, typer.Option(help="Of bills: billed, effective, contracted or list")]
Categories = Annotated[list[str] | None, typer.Option(help="Of bills: usage, purchase, tax, credit, adjustment")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("costs")(costs)
    app.command("unit-costs")(unit_costs)
    app.command("budgets")(budgets)
    app.command("anomalies")(anomalies)
    app.command("flags")(flags)
    app.command("dead-letters")(dead_letters)


def costs(
    *,
    window: Window = None,
    start: Start = None,
    end: End = None,
    group_by: Annotated[str | None, typer.Option(help="Comma list: dimensions, driver, resource_type, ...")] = None,
    granularity: Annotated[str | None, typer.Option(help="total, minute, hour or day")] = None,
    source: Source = None,
    basis: Basis = None,
    charge_category: Categories = None,
    as_of: Annotated[str | None, typer.Option(metavar="RFC3339", help="Bills as they were known then")] = None,
    allocation: Annotated[str | None, typer.Option(help="rules: share out what the configuration's rules say")] = None,
    tenant: Values = None,
    environment: Values = None,
    feature: Values = None,
    service: Values = None,
    team: Values = None,
    driver: Values = None,
    resource_type: Values = None,
    provider: Values = None,
    account: Values = None,
    billing_account: Values = None,
    service_name: Values = None,
    sku: Values = None,
    region: Values = None,
    api: Api = None,
    token: Token = None,
    json: Json = False,
) -> None:
    """Show what was spent, by anything.

    For example: costguard costs --window 24h --group-by tenant,feature
    """
    asked = given(locals())
    answer = ask("/costs", asked, api, token)
    show(answer, tables.costs_table(answer), tables.costs_total(answer), json=json)


def unit_costs(
    *,
    window: Window = None,
    start: Start = None,
    end: End = None,
    tenant: Values = None,
    environment: Values = None,
    feature: Values = None,
    service: Values = None,
    team: Values = None,
    driver: Values = None,
    resource_type: Values = None,
    api: Api = None,
    token: Token = None,
    json: Json = False,
) -> None:
    """Show what a request, a task, a GB or a thousand tokens of each feature cost."""
    asked = given(locals())
    answer = ask("/unit-costs", asked, api, token)
    show(answer, tables.unit_costs_table(answer), json=json)


def budgets(*, api: Api = None, token: Token = None, json: Json = False) -> None:
    """Show budgets and how full they are."""
    answer = ask("/budgets", {}, api, token)
    show(answer, tables.budgets_table(answer["budgets"]), json=json, nothing=NO_BUDGETS)


def anomalies(
    anomaly_id: Annotated[
        str | None,
        typer.Argument(metavar="ID", help="Explain this one, and draw its hours; its beginning is enough"),
    ] = None,
    *,
    since: Annotated[str | None, typer.Option(metavar="RFC3339", help="Only those from then on")] = None,
    status: Annotated[
        str | None, typer.Option(metavar="STATUS", help="open, closed, corrected or any; default: all but corrected")
    ] = None,
    tenant: Values = None,
    environment: Values = None,
    feature: Values = None,
    service: Values = None,
    team: Values = None,
    api: Api = None,
    token: Token = None,
    json: Json = False,
) -> None:
    """Show cost anomalies, or explain one.

    What late data has explained is not listed, unless --status asks for it.
    """
    if anomaly_id is not None:
        anomaly_id = _whole_id(anomaly_id, api, token)
        found = ask(f"/anomalies/{quote(anomaly_id, safe='')}", {}, api, token)
        show(found, anomaly_tables.anomaly_details(found), json=json)
        return
    asked = given({name: value for name, value in locals().items() if name != "anomaly_id"})
    answer = ask("/anomalies", asked, api, token)
    show(answer, anomaly_tables.anomalies_table(answer["anomalies"]), json=json, nothing="no anomalies")


def _whole_id(beginning: str, api: str | None, token: str | None) -> str:
    """Return the only id that begins so; what no id begins with is asked for as it is, and the API says so."""
    if len(beginning) >= _ID_LENGTH:
        return beginning
    listed = ask("/anomalies", {"status": "any"}, api, token)["anomalies"]
    ids = {each["anomaly_id"] for each in listed if each["anomaly_id"].startswith(beginning)}
    if beginning in ids or not ids:
        return beginning
    if len(ids) > 1:
        some = "".join(f"\n  {each}" for each in sorted(ids)[:_LISTED])
        more = f"\n  and {len(ids) - _LISTED:,} more" if len(ids) > _LISTED else ""
        fail(f"{len(ids):,} anomalies begin with {beginning}; give more of the one that is meant:{some}{more}")
    return str(ids.pop())


def flags(*, api: Api = None, token: Token = None, json: Json = False) -> None:
    """Show feature flags: which variant holds for whom, the first line that fits counts."""
    answer = ask("/flags", {}, api, token)
    show(answer, tables.flags_table(answer["flags"]), json=json, nothing="no budget switches a flag")


def dead_letters(
    *,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, newest first")] = 20,
    api: Api = None,
    token: Token = None,
    json: Json = False,
) -> None:
    """Show what was rejected, and why."""
    answer = ask("/dead-letters", {"limit": str(limit)}, api, token)
    show(answer, tables.dead_letters_table(answer["dead_letters"]), json=json, nothing="nothing was rejected")


def base_url(api: str | None) -> str:
    """Return where to ask: what was given, else what `up` left in the data directory, else the settings."""
    if api is not None:
        return api if "://" in api else f"http://{api}"
    settings = from_environment()
    try:
        return read_runtime(settings.data_dir).api
    except NotRunningError:
        host = f"[{settings.api_host}]" if ":" in settings.api_host else settings.api_host
        return f"http://{host}:{settings.api_port}"


def given(options: Mapping[str, Any]) -> dict[str, str | Sequence[str]]:
    """Return the options that are query parameters of the same name, as far as they were given."""
    return {name: value for name, value in options.items() if name not in {"api", "token", "json"} and value}


def ask(path: str, asked: Mapping[str, str | Sequence[str]], api: str | None, token: str | None) -> Any:
    """Return the answer of the API; end with its problem."""
    # Its HTTP client takes a while to load: not for `--help`.
    from app.adapters.api_client import ApiClient, ApiError  # noqa: PLC0415

    address = base_url(api)
    try:
        answer = ApiClient(address, token).get(path, asked)
    except ApiError as error:
        fail(str(error))
    if api is None and not (left := from_environment().data_dir / FILE_NAME).exists():
        # It may be another system than the one that was meant.
        typer.echo(f"costguard: {left.parent} has no running system; {address} answered", err=True)
    return answer


def show(
    answer: Any, table: Table, footer: Text | None = None, *, json: bool, nothing: str = "no cost in this window"
) -> None:
    """Print an answer as a table, or as it came."""
    if json:
        typer.echo(orjson.dumps(answer, option=orjson.OPT_INDENT_2))
        return
    console = terminal.answering()
    if table.row_count:
        terminal.show(console, table)
    else:
        console.print(nothing, soft_wrap=True)
    if footer is not None:
        console.print(footer, soft_wrap=True)
