"""Commands about shared, unattributed and reconciled cost: `allocations`, `remediation`, `reconcile`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from app import finance_tables as tables
from app.commands_query import Api, Basis, Categories, End, Json, Source, Start, Token, Values, Window, ask, given, show
from app.endings import fail
from app.settings import from_environment, load_configuration
from domain.fx import MissingRateError
from domain.sources import BASES, CATEGORIES

if TYPE_CHECKING:
    from collections.abc import Callable

NO_RULES = "nothing was shared: write [[allocation]] rules (docs/allocation.md)"
NOTHING_SHARED = "nothing was shared: none of the rules shares out cost of what was asked for ({} configured)"


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    commands: dict[str, Callable[..., None]] = {
        "allocations": allocations,
        "remediation": remediation,
        "reconcile": reconcile,
    }
    for name, command in commands.items():
        app.command(name)(command)


def allocations(
    *,
    window: Window = None,
    start: Start = None,
    end: End = None,
    source: Source = None,
    basis: Basis = None,
    charge_category: Categories = None,
    tenant: Values = None,
    environment: Values = None,
    feature: Values = None,
    service: Values = None,
    team: Values = None,
    api: Api = None,
    token: Token = None,
    json: Json = False,
) -> None:
    """Show shared cost: who bears it, by which rule and by how much usage."""
    asked = given(locals())
    answer = ask("/allocations", asked, api, token)
    nothing = NOTHING_SHARED.format(answer["rules"]) if answer["rules"] else NO_RULES
    show(answer, tables.allocations_table(answer), json=json, nothing=nothing)


def remediation(
    *,
    window: Window = None,
    start: Start = None,
    end: End = None,
    dimension: Annotated[str | None, typer.Option(help="Whose owner is missing; default: team")] = None,
    source: Source = None,
    basis: Basis = None,
    charge_category: Categories = None,
    tenant: Values = None,
    environment: Values = None,
    feature: Values = None,
    service: Values = None,
    team: Values = None,
    api: Api = None,
    token: Token = None,
    json: Json = False,
) -> None:
    """Show cost that nobody owns, most money first, with guesses; --json has tickets."""
    asked = given(locals())
    answer = ask("/remediation", asked, api, token)
    table = tables.remediation_table(answer)
    total = tables.remediation_total(answer) if table.row_count else None
    show(answer, table, total, json=json, nothing="all cost has an owner")


def reconcile(
    files: Annotated[
        list[str] | None, typer.Argument(metavar="[FILE|DIR|GLOB]...", help="bills: compares by SKU and quantity")
    ] = None,
    *,
    window: Window = None,
    start: Start = None,
    end: End = None,
    basis: Basis = None,
    charge_category: Categories = None,
    tenant: Values = None,
    environment: Values = None,
    feature: Values = None,
    service: Values = None,
    team: Values = None,
    api: Api = None,
    token: Token = None,
    json: Json = False,
) -> None:
    """Hold the metered estimate against the bill, by provider, subject and day.

    Without files against the bills that were imported. With files against these, whole and for all scopes, by SKU.
    """
    asked = given({name: value for name, value in locals().items() if name != "files"})
    if files:
        if asked.keys() - {"basis", "charge_category"}:
            fail("files are compared as a whole: only --basis and --charge-category go with them")
        answer = _against(files, basis or "billed", charge_category or ["usage"], api, token)
    else:
        answer = ask("/reconciliation", asked, api, token)
    show(answer, tables.reconciliation_table(answer), tables.reconciliation_total(answer), json=json)


def _against(files: list[str], basis: str, categories: list[str], api: str | None, token: str | None) -> Any:
    # Arrow takes a while to load: not for `--help`.
    from app.billing_compared import RefusedError, compare, read_bills  # noqa: PLC0415
    from app.billing_plan import PlanError  # noqa: PLC0415

    if basis not in BASES or not set(categories) <= set(CATEGORIES):
        fail(f"--basis is one of {', '.join(BASES)}, --charge-category of {', '.join(CATEGORIES)}")
    configuration = load_configuration(from_environment().config_path)
    try:
        billed = read_bills(files, configuration, basis=basis, categories=categories)
    except (PlanError, RefusedError, MissingRateError) as error:
        fail(str(error))
    return compare(billed, configuration, lambda question: ask("/costs", question, api, token))
