"""Commands about shared, unattributed and reconciled cost: `allocations`, `remediation`, `reconcile`."""

from __future__ import annotations

from time import time
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from app import finance_tables as tables
from app.commands_query import Api, Basis, Categories, End, Json, Source, Start, Token, Values, Window, ask, given, show
from app.endings import fail
from app.settings import from_environment, load_configuration
from domain.fx import MissingRateError
from domain.scope import DIMENSIONS
from domain.sources import BASES, CATEGORIES

if TYPE_CHECKING:
    from collections.abc import Callable

Read = TypeVar("Read")
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
    files: Annotated[
        list[str] | None, typer.Argument(metavar="[FILE|DIR|GLOB]...", help="bills: names resources and their tags")
    ] = None,
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
    """Show cost that nobody owns, most money first, with guesses; --json has tickets.

    Without files of what was metered and imported. With files of these alone, down to resources.
    """
    asked = given({name: value for name, value in locals().items() if name != "files"})
    if files:
        if asked.keys() - {"dimension", "basis", "charge_category"}:
            fail("files are searched as a whole: only --dimension, --basis and --charge-category go with them")
        answer = _unowned(files, dimension or "team", basis or "billed", charge_category or [])
    else:
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


def _unowned(files: list[str], dimension: str, basis: str, categories: list[str]) -> Any:
    from app.unowned_bills import search_bills  # noqa: PLC0415 - Arrow takes a while to load: not for `--help`

    if dimension not in DIMENSIONS:
        fail(f"--dimension is one of {', '.join(DIMENSIONS)}")
    _require_known(basis, categories)
    configuration = load_configuration(from_environment().config_path)
    return _of_files(
        lambda: search_bills(files, configuration, dimension=dimension, basis=basis, categories=categories, now=time())
    )


def _against(files: list[str], basis: str, categories: list[str], api: str | None, token: str | None) -> Any:
    from app.billing_compared import compare, read_bills  # noqa: PLC0415 - as above

    _require_known(basis, categories)
    configuration = load_configuration(from_environment().config_path)
    billed = _of_files(lambda: read_bills(files, configuration, basis=basis, categories=categories))
    return compare(billed, configuration, lambda question: ask("/costs", question, api, token))


def _require_known(basis: str, categories: list[str]) -> None:
    if basis not in BASES or not set(categories) <= set(CATEGORIES):
        fail(f"--basis is one of {', '.join(BASES)}, --charge-category of {', '.join(CATEGORIES)}")


def _of_files(read: Callable[[], Read]) -> Read:
    """Return what is read of bills, or end with one line that says why they cannot be."""
    from app.billing_plan import PlanError  # noqa: PLC0415 - as above
    from app.bills_in_files import RefusedError  # noqa: PLC0415

    try:
        return read()
    except (PlanError, RefusedError, MissingRateError) as error:
        fail(str(error))
