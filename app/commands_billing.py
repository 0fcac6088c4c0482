"""The command `import-billing`: bills of providers into the system, or only read and summed."""

from __future__ import annotations

import asyncio
import gc
import json
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from app import terminal
from app.adapters.ecb_rates import EcbRates
from app.commands_bills import running
from app.endings import fail
from app.runtime import NotRunningError
from app.settings import from_environment, load_configuration
from domain.currencies import is_currency

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.billing_counted import Keys
    from app.billing_import import Options, Piece, Summary
    from app.billing_plan import Plan
    from app.settings import Settings


class ImportFailedError(Exception):
    """The broker failed; one line for the person who asked."""


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("import-billing")(import_billing)


def import_billing(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE|DIR|GLOB...", help="bills, their directories or manifests")
    ],
    *,
    format: Annotated[  # noqa: A002 - the flag's name
        str, typer.Option(metavar="NAME", help="insist on one: focus, aws-cur, azure, gcp, openai, ...")
    ] = "auto",
    currency: Annotated[str | None, typer.Option(help="of files that name none; default: the configured one")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="read and sum up only; nothing is sent")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="the summary as JSON, exact, on standard output")] = False,
) -> None:
    """Read bills of cloud and LLM providers, tell what they come to, and send them to billing-deltas.

    Formats are told by the columns: FOCUS, AWS CUR, Azure, Google Cloud, OpenCost, OpenAI, Anthropic. A file of
    another format is refused whole, and others are read. Importing a file again adds nothing; a newer edition replaces
    the older. The exit code is 1 when a file was refused, a rate is missing or something could not be sent.
    """
    # Arrow and Kafka's client take a while to load: not for `--help`.
    from app.billing_import import Options, Summary  # noqa: PLC0415
    from app.billing_plan import PlanError, make_plan  # noqa: PLC0415
    from app.billing_summary import as_json as summary_as_json  # noqa: PLC0415
    from app.billing_summary import missing_rates, show  # noqa: PLC0415
    from domain.billing.tags import TagTable  # noqa: PLC0415
    from domain.ownership import Ownership  # noqa: PLC0415

    settings = from_environment()
    configuration = load_configuration(settings.config_path)
    if currency is not None and not is_currency(currency):
        raise typer.BadParameter(f"{currency!r} is not an ISO 4217 code such as USD", param_hint="--currency")
    options = Options(
        currency or configuration.currency,
        TagTable(configuration.tags),
        format,
        Ownership(configuration.owners).team_of,
    )
    summary = Summary(options.currency)
    try:
        plan = make_plan(files)
        before = None if dry_run else asyncio.run(_read_counted(settings))
        _run(plan, options, summary, None if dry_run else settings)
    except (PlanError, NotRunningError, ImportFailedError) as error:
        fail(str(error))
    missing = missing_rates(summary, configuration.fx.rates(EcbRates()), configuration.currency)
    if as_json:
        typer.echo(json.dumps(summary_as_json(summary, plan, missing)))
    else:
        show(summary, plan, terminal.answering(), missing)
    if summary.editions and summary.by("day") and not dry_run and not missing:
        typer.echo(asyncio.run(_await_counted(settings, summary, before)), err=True)
    if summary.refused or (missing and not dry_run):
        raise typer.Exit(1)


def _run(plan: Plan, options: Options, summary: Summary, settings: Settings | None) -> None:
    from app import billing_import  # noqa: PLC0415 - as above

    accepted = []
    for delivery in plan.deliveries:
        refused = billing_import.check(delivery, options)
        summary.refused.extend(refused)
        if not refused:
            accepted.append(delivery)
    size = sum(file.stat().st_size for delivery in accepted for file in delivery.files)
    with _bar(Console(stderr=True), size) as advance, _without_garbage_collection():
        if settings is None:
            for delivery in accepted:
                billing_import.read_only(delivery, options, summary, advance)
        else:
            asyncio.run(_send(plan._replace(deliveries=tuple(accepted)), options, summary, settings, advance))


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Rows are made by the million and are in no cycles: looking for cycles among them takes a tenth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def _send(
    plan: Plan, options: Options, summary: Summary, settings: Settings, advance: Callable[[Piece], None]
) -> None:
    from app import billing_import  # noqa: PLC0415 - as above
    from app.adapters.bulk_producer import KafkaError  # noqa: PLC0415
    from app.adapters.kafka import Publisher  # noqa: PLC0415
    from app.replaying import find_runtime  # noqa: PLC0415
    from app.topics import Topics  # noqa: PLC0415

    runtime = find_runtime(settings)
    publisher = Publisher(runtime.broker)
    try:
        topic = Topics(runtime.topic_prefix).billing_deltas
        for delivery in plan.deliveries:
            await billing_import.publish(delivery, options, summary, publisher, topic, advance)
    except KafkaError as error:
        raise ImportFailedError(f"broker {runtime.broker}: {error}; importing again completes it") from error
    finally:
        await publisher.stop()


async def _read_counted(settings: Settings) -> Keys | None:
    """Return the editions that are closed; None when Redis, which an import can do without, does not say."""
    from agents.billing_shown import EDITIONS  # noqa: PLC0415 - as above
    from app.adapters.redis_view import RedisError  # noqa: PLC0415 - as above
    from app.billing_counted import counted  # noqa: PLC0415

    async with running(settings) as (_, view):
        try:
            return counted(await view.documents(EDITIONS))
        except (RedisError, OSError):
            return None


async def _await_counted(settings: Settings, summary: Summary, before: Keys | None) -> str:
    from agents.billing_shown import EDITIONS  # noqa: PLC0415 - as above
    from app.adapters.redis_view import RedisError  # noqa: PLC0415 - as above
    from app.billing_counted import also_told, beside, outcome, replaced, wait_until_counted  # noqa: PLC0415

    keys = frozenset(edition.key for edition in summary.editions)
    since, folded = min(day for _, day in summary.by("day"))[:10], False
    others: list[str] = []
    counts = True
    if before is not None:
        async with running(settings) as (_, view):
            # What was sent is sent, whoever goes away while it is waited for.
            with suppress(RedisError, OSError):
                folded = await wait_until_counted(lambda: view.documents(EDITIONS), keys)
                editions = await view.documents(EDITIONS)
                counts = not replaced(editions, keys)
                others = await beside(editions, view.documents_of, keys, [day for _, day in summary.by("day")])
    return outcome(keys, before, since=since, folded=folded, counts=counts) + also_told(others)


@contextmanager
def _bar(console: Console, size: int) -> Iterator[Callable[[Piece], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    before: dict[object, int] = {}
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("reading", total=size)

        def advance(piece: Piece) -> None:
            progress.advance(task, piece.consumed - before.get(piece.file, 0))
            before[piece.file] = piece.consumed

        yield advance
