"""The command line: `costguard up` and the version; other commands come from the `app.commands_*` modules.

What a person configured wrong is one line on standard error and exit code 2; what fails later, exit code 1.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from app import (
    commands_backtest,
    commands_billing,
    commands_bills,
    commands_data,
    commands_finance,
    commands_query,
    commands_reattribute,
    commands_series,
)
from app.adapters.addresses import is_private_literal
from app.settings import (
    DEFAULTS,
    Configuration,
    Settings,
    SettingsError,
    check_exposure,
    from_environment,
    load_configuration,
    other_environment,
    unknown_variables,
)

EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2

app = typer.Typer(
    name="costguard",
    help="Real-time FinOps: exact cost in seconds, budgets that turn feature flags before money is gone.",
    epilog="Start with [bold]costguard up[/bold], or [bold]costguard demo[/bold] to see it at work.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command line; never a traceback for what a person got wrong."""
    try:
        app()
    except SettingsError as error:
        _say(f"costguard: {error}")
        sys.exit(EXIT_USAGE)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - how typer calls it
    if wanted:
        typer.echo(f"costguard {version('costguard')}")
        raise typer.Exit


@app.callback()
def root(
    *,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version, and exit."),
    ] = False,
) -> None:
    """Take the options that come before a command."""


ENGINES: Final = "Engines"
PLACE: Final = "This system"
Flag = str | None


def _flag(name: str, metavar: str, text: str, panel: str) -> Any:
    """Return the option of a setting; its value stays text, so that one place says what is wrong with it."""
    default = f" (default {DEFAULTS[name]})" if DEFAULTS[name] else ""
    return typer.Option(metavar=metavar, help=f"{text}{default}", rich_help_panel=panel)


@app.command()
def up(
    *,
    broker_url: Annotated[Flag, _flag("broker_url", "URL", "kafka://host:port,... or embedded", ENGINES)] = None,
    redis_url: Annotated[Flag, _flag("redis_url", "URL", "redis://host:port/0 or embedded", ENGINES)] = None,
    embedded_broker_port: Annotated[
        Flag, _flag("embedded_broker_port", "PORT", "Where the embedded broker listens", ENGINES)
    ] = None,
    workers: Annotated[Flag, _flag("workers", "N", "How many share the partitions", PLACE)] = None,
    api_host: Annotated[Flag, _flag("api_host", "HOST", "Beyond loopback with tokens only", PLACE)] = None,
    api_port: Annotated[Flag, _flag("api_port", "PORT", "Where HTTP is served", PLACE)] = None,
    data_dir: Annotated[Flag, _flag("data_dir", "DIR", "Tables, logs, lock", PLACE)] = None,
    config: Annotated[Flag, _flag("config", "FILE", "TOML: budgets, webhooks, prices, owners", PLACE)] = None,
) -> None:
    """Start everything: broker, Redis, workers, effects and the API. Ctrl-C stops it.

    Nothing has to be configured: broker and Redis are started here, in memory, unless URLs are given.

    Every option is an environment variable, too: --api-port is COSTGUARD_API_PORT; see docs/configuration.md.
    """
    flags = {name: value for name, value in locals().items() if value is not None}
    settings = from_environment(flags)
    configuration = load_configuration(settings.config_path)
    check_exposure(settings, configuration)
    for line in (
        *unknown_variables(),
        *_missing_folders(configuration),
        *_private_webhooks(configuration),
        *_remarks(settings),
    ):
        _say(f"costguard: {line}")
    sys.exit(_supervise(settings, imports=bool(configuration.bills.folders or configuration.reattribution)))


class _Terminal:
    """The supervisor's voice: notices on standard error, readiness on standard output."""

    def notice(self, line: str) -> None:
        _say(f"costguard: {line}")

    def ready(self, line: str) -> None:
        Console(soft_wrap=True, highlight=False, markup=False).print(line)


def _supervise(settings: Settings, *, imports: bool) -> int:
    # Faust and Kafka's client take a second to load; `--help` and a wrong setting need not wait for them.
    from app import supervisor  # noqa: PLC0415

    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        return asyncio.run(supervisor.run(settings, other_environment(), _Terminal(), imports=imports))
    except supervisor.SystemFailedError as error:
        _say(f"costguard: {error}")
        return EXIT_FAILED


def _remarks(settings: Settings) -> list[str]:
    """Say what the embedded broker means for the data."""
    if not settings.starts_broker:
        return []
    lines = ["the embedded broker keeps everything in memory: when this stops, all data is gone"]
    if not settings.starts_redis:
        lines.append(
            "Redis is not embedded, and may hold figures of an earlier run that the broker has forgotten: "
            "empty it before each start"
        )
    return lines


def _missing_folders(configuration: Configuration) -> list[str]:
    """Say which folders of bills on this machine are not there: yet, if they are to be mounted."""
    return [
        f"billing.folders[{at}]: {folder} is no directory; it is looked for again and again"
        for at, folder in enumerate(configuration.bills.folders)
        if "://" not in folder and not Path(folder).is_dir()
    ]


def _private_webhooks(configuration: Configuration) -> list[str]:
    """Say which webhooks will be refused because of their address."""
    return [
        f"webhook {webhook.name}: {webhook.url} is a private address and will be refused, unless allow_private = true"
        for webhook in configuration.webhooks
        if not webhook.allow_private and is_private_literal(webhook.url)
    ]


def _say(line: str) -> None:
    Console(stderr=True, soft_wrap=True, highlight=False, markup=False).print(line)


commands_query.register(app)
commands_finance.register(app)
commands_data.register(app)
commands_billing.register(app)
commands_bills.register(app)
commands_reattribute.register(app)
commands_series.register(app)
commands_backtest.register(app)
