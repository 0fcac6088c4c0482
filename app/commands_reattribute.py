"""The command `reattribute`: what the rules of `[[reattribution]]` change in the bills that count."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app import query_tables as tables
from app import terminal
from app.endings import fail
from app.runtime import NotRunningError
from app.settings import from_environment, load_configuration
from domain.money import to_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from app.configuration import Configuration
    from app.settings import Settings
    from domain.reattribution.correcting import Correction


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("reattribute")(reattribute)


def reattribute(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show what would be told; nothing is sent")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="the corrections as JSON, exact")] = False,
) -> None:
    r"""Give charges of closed bills the owner that [\[reattribution]] names, as corrections.

    `costguard up` does it by itself. What is told already is not told again; after the last rule is taken out of the
    configuration, this takes its corrections back.
    """
    settings = from_environment()
    configuration = load_configuration(settings.config_path)
    try:
        found = asyncio.run(_apply(settings, configuration, dry_run=dry_run))
    except NotRunningError as error:
        fail(str(error))
    if as_json:
        typer.echo(json.dumps([_as_json(each) for each in found]))
    elif found:
        terminal.show(terminal.answering(), _table(found))
    else:
        typer.echo("nothing to correct: what the rules say is told")


async def _apply(settings: Settings, configuration: Configuration, *, dry_run: bool) -> Sequence[Correction]:
    # Clients of Kafka and Redis take a while to load: not for `--help`.
    from app.adapters.kafka import Publisher  # noqa: PLC0415
    from app.adapters.redis_view import RedisError, RedisView  # noqa: PLC0415
    from app.reattributing import Reattribution  # noqa: PLC0415
    from app.replaying import find_runtime  # noqa: PLC0415
    from app.topics import Topics  # noqa: PLC0415

    runtime = find_runtime(settings)
    view, publisher = RedisView.connect(runtime.redis, runtime.view_prefix), Publisher(runtime.broker)
    rules = Reattribution(view, configuration.reattribution, configuration.currency, time.time)
    try:
        if dry_run:
            return await rules.find()
        return await rules.apply(publisher, Topics(runtime.topic_prefix).billing_deltas)
    except RedisError as error:
        # Not the URL: it may hold a password.
        fail(f"Redis: {error}")
    finally:
        await publisher.stop()
        await view.close()


def _as_json(each: Correction) -> dict[str, Any]:
    provider, _, rule, month = each.edition.statement.split("/", 3)
    return {
        "provider": provider,
        "rule": rule.replace("%2F", "/").replace("%25", "%"),
        "month": month[:7],
        "edition": each.edition.assembly,
        "rows": each.edition.rows,
        "moved": to_text(each.moved),
    }


def _table(found: Sequence[Correction]) -> Table:
    names = [(name, tables.LEFT) for name in ("provider", "month", "rule")]
    table = tables.new_table("Corrections", [*names, ("rows", tables.RIGHT), ("moved", tables.RIGHT)])
    for row in map(_as_json, found):
        moved = tables.precise(row["moved"])
        tables.add_row(table, row["provider"], row["month"], row["rule"], f"{row['rows']:,}", moved)
    return table
