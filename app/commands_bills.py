"""The commands `bills` and `withdraw-bill`: which bills count, and taking one back."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple

import typer

from app import terminal
from app.endings import fail
from app.query_tables import LEFT, RIGHT, add_row, counted, new_table
from app.runtime import NotRunningError
from app.settings import from_environment

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Sequence

    from rich.table import Table

    from app.adapters.redis_view import RedisView
    from app.runtime import Runtime
    from app.settings import Settings
    from domain.billing.editions import Edition
    from domain.billing.known import KnownEdition

NO_BILLS: Final = "no bill counts: costguard import-billing FILE"


class Running(NamedTuple):
    """A system, and its view."""

    runtime: Runtime
    view: RedisView


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("bills")(bills)
    app.command("withdraw-bill")(withdraw_bill)


def bills(*, as_json: Annotated[bool, typer.Option("--json", help="exact, on standard output")] = False) -> None:
    """List the bills that count: provider, account and month, the file or assembly of each, and when it was written."""
    known = _await(_read)
    if as_json:
        typer.echo(json.dumps([_as_json(each) for each in known]))
    elif known:
        terminal.show(terminal.answering(), _table(known))
    else:
        typer.echo(NO_BILLS)


def withdraw_bill(
    name: Annotated[str, typer.Argument(metavar="NAME", help="the file or assembly, as costguard bills lists it")],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show what would be taken back; nothing is sent")] = False,
) -> None:
    """Take a bill back that should not have been imported: it counts no more, and what it replaced does not return.

    What was known before is still answered with --as-of. To count the same file again, import it under another name.
    """
    taken = _await(lambda settings: _withdraw(settings, name, dry_run=dry_run))
    if not taken:
        fail(f"no bill that counts is of a file or assembly {name!r}; costguard bills lists them")
    terminal.show(terminal.answering(), _table(taken))
    done = "would be taken back" if dry_run else "taken back, and out of the figures within seconds"
    typer.echo(f"{counted(sum(each.rows for each in taken), 'row')} {done}", err=True)


def _await(read: Callable[[Settings], Coroutine[Any, Any, list[Edition]]]) -> list[Edition]:
    from app.adapters.bulk_producer import KafkaError  # noqa: PLC0415 - not for `--help`: clients take a while to load
    from app.adapters.redis_view import RedisError  # noqa: PLC0415 - as above

    try:
        return asyncio.run(read(from_environment()))
    except NotRunningError as error:
        fail(str(error))
    except (RedisError, OSError) as error:
        # Not the URL: it may hold a password.
        fail(f"Redis, where bills are listed: {error}")
    except KafkaError as error:
        fail(f"broker: {error}; doing it again completes it")


async def _read(settings: Settings) -> list[Edition]:
    from domain.billing.withdrawing import counting  # noqa: PLC0415 - as above

    async with running(settings) as (_, view):
        return counting(await _editions(view))


async def _withdraw(settings: Settings, name: str, *, dry_run: bool) -> list[Edition]:
    from agents.billing_shown import EDITIONS  # noqa: PLC0415
    from app.adapters.kafka import Publisher  # noqa: PLC0415 - as above
    from app.billing_counted import wait_until_counted  # noqa: PLC0415
    from app.topics import Topics  # noqa: PLC0415
    from domain.billing.records import closing_record  # noqa: PLC0415
    from domain.billing.withdrawing import named, withdrawn  # noqa: PLC0415

    async with running(settings) as (runtime, view):
        found = named(await _editions(view), name)
        if not found or dry_run:
            return found
        empty = [withdrawn(each, int(time.time())) for each in found]
        publisher = Publisher(runtime.broker)
        try:
            topic = Topics(runtime.topic_prefix).billing_deltas
            await publisher.send_many(topic, [closing_record(each) for each in empty])
        finally:
            await publisher.stop()
        keys = [each.key for each in empty]
        if not await wait_until_counted(lambda: view.documents(EDITIONS), keys):
            typer.echo("sent; it is taken back once workers have folded it", err=True)
        return found


async def _editions(view: RedisView) -> list[Edition]:
    from agents.billing_shown import EDITIONS  # noqa: PLC0415 - as above
    from domain.billing.known import decode_edition  # noqa: PLC0415

    known: Sequence[KnownEdition] = [decode_edition(text) for text in (await view.documents(EDITIONS)).values()]
    return [each.edition for each in known]


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Running]:
    """Open the view of the system that runs here. Raises `NotRunningError`."""
    from app.adapters.redis_view import RedisView  # noqa: PLC0415 - as above
    from app.replaying import find_runtime  # noqa: PLC0415

    runtime = find_runtime(settings)
    view = RedisView.connect(runtime.redis, runtime.view_prefix)
    try:
        yield Running(runtime, view)
    finally:
        await view.close()


def _table(editions: Sequence[Edition]) -> Table:
    columns = [("bill", LEFT), ("file or assembly", LEFT), ("written", LEFT), ("rows", RIGHT), ("", LEFT)]
    table = new_table("Bills that count", columns)
    for each in editions:
        written = each.written_at.strftime("%Y-%m-%d %H:%M")
        state = "invoiced" if each.final else "open"
        add_row(table, each.statement, each.part or each.assembly, written, f"{each.rows:,}", state)
    return table


def _as_json(edition: Edition) -> dict[str, object]:
    return {
        "bill": edition.statement,
        "file": edition.part or None,
        "assembly": edition.assembly,
        "written": edition.written_at.isoformat(),
        "rows": edition.rows,
        "rejected": edition.rejected,
        "invoiced": edition.final,
    }
