"""Commands about data: `replay` files into the system, print a `sample` month, run the `demo`."""

from __future__ import annotations

import asyncio
import gzip
import sys
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Annotated, BinaryIO, cast

import typer
from rich.console import Console

from app import terminal
from app.endings import fail
from app.replay import LineReader, UnreadableFileError, check_files
from app.runtime import NotRunningError
from app.sample import generate
from app.settings import from_environment
from domain.windows import parse_instant

if TYPE_CHECKING:
    from collections.abc import Iterator


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("replay")(replay)
    app.command("sample")(sample)
    app.command("demo")(demo)


def replay(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="JSON Lines, gzip or not; - is stdin")],
    *,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="return when folded, or when sent")] = True,
    time: Annotated[
        str | None, typer.Option(metavar="RFC3339", help="time of plain objects that name none; default: now")
    ] = None,
) -> None:
    """Send usage events (CloudEvents or plain data objects) as fast as the broker takes them.

    Sending the same file twice adds nothing: events count once by source and id. A plain object without an id gets one
    from its content (and from --time, if given): the same line in two files is the same event, unless it names an id or
    a time. Lines that are not usable are sent too, and end in dead-letter with the reason; the exit code is 1 when none
    is usable.
    """
    # Kafka's and Redis' clients and the price book take a second to load: not for `--help`.
    from app.replaying import ReplayFailedError, find_runtime, replay_files  # noqa: PLC0415

    console = terminal.reporting()
    reader = LineReader(_instant(time), dated=time is not None)
    try:
        size = check_files(files)
        runtime = find_runtime(from_environment())
        sent = asyncio.run(replay_files(files, runtime, reader=reader, size=size, wait=wait, console=console))
    except (UnreadableFileError, NotRunningError, ReplayFailedError) as error:
        fail(str(error))
    if sent.too_large:
        fail(f"{sent.too_large:,} lines were larger than the broker takes and were not sent")
    if sent.records and reader.unusable >= sent.records:
        fail("no line is a usage event")


def sample(
    output: Annotated[Path | None, typer.Option("--output", "-o", help="file (.gz is packed); default: stdout")] = None,
    *,
    seed: Annotated[int, typer.Option(help="the same seed gives the same bytes")] = 7,
    month: Annotated[str | None, typer.Option(metavar="YYYY-MM", help="default: the last whole month")] = None,
    scale: Annotated[float, typer.Option(min=0.001, help="how busy the company is")] = 1.0,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="write the company's prices, owners and budgets there, too")
    ] = None,
) -> None:
    """Write a month of usage of a sample company as JSON Lines, in the order in which it arrives.

    It costs what the demo says only by the demo's prices: write them with --config, and start costguard up with them.
    """
    first, _ = _month(month)
    try:
        _say_prices(config, scale)
        with _output(output) as sink:
            for emission in generate(seed, first, scale):
                sink.write(emission.value)
                sink.write(b"\n")
    except OSError as error:
        fail(f"{error.filename or output or 'stdout'}: {error.strerror}")


def _say_prices(config: Path | None, scale: float) -> None:
    """Write the demo's configuration if it is asked for, and say what it is needed for: without it figures differ."""
    if config is None:
        typer.echo(
            "costguard: for the demo's figures its prices are needed, too: costguard sample --config FILE", err=True
        )
        return
    # The settings it reads take a while to load: not for `--help`.
    from app.demo.configuration import write_prices  # noqa: PLC0415

    write_prices(config, scale)
    typer.echo(f"costguard: prices, owners and budgets: start with COSTGUARD_CONFIG={config} costguard up", err=True)


def demo(
    *,
    once: Annotated[bool, typer.Option("--once", help="stop after the summary")] = False,
    seed: Annotated[int, typer.Option(help="another seed, another month")] = 7,
    month: Annotated[str | None, typer.Option(metavar="YYYY-MM", help="default: the last whole month")] = None,
    scale: Annotated[float, typer.Option(min=0.01, help="how busy the company is")] = 1.0,
    data_dir: Annotated[Path, typer.Option(help="emptied first")] = Path("var/demo"),
) -> None:
    """Start everything here, play a month of sample data, and tell what happened."""
    from app.demo import run as demo_run  # noqa: PLC0415 - as above

    start, end = _month(month)
    options = demo_run.Options(start, end, data_dir, seed, scale, once)
    try:
        demo_run.run(options, Console(width=None if sys.stdout.isatty() else get_terminal_size((100, 24)).columns))
    except demo_run.DemoFailedError as error:
        fail(str(error))
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def last_whole_month(today: date) -> tuple[date, date]:
    """Return the first day of the last calendar month that is over, and of the month after it."""
    this_month = today.replace(day=1)
    return (this_month - timedelta(days=1)).replace(day=1), this_month


def _month(text: str | None) -> tuple[date, date]:
    if text is None:
        return last_whole_month(datetime.now(UTC).date())
    try:
        first = datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC).date()
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a month such as 2026-10", param_hint="--month") from None
    return first, (first + timedelta(days=31)).replace(day=1)


def _instant(text: str | None) -> str:
    if text is None:
        return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    try:
        return parse_instant(text).isoformat()
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--time") from None


@contextmanager
def _output(path: Path | None) -> Iterator[BinaryIO]:
    if path is None:
        yield sys.stdout.buffer
    elif path.suffix == ".gz":
        # No name and time in the header: the same seed gives the same file.
        with path.open("wb") as raw, gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as packed:
            yield cast("BinaryIO", packed)
    else:
        with path.open("wb") as raw:
            yield raw
