"""Commands over a history in a file: `score` runs the anomaly detector over it, `forecast` says what comes next."""

from __future__ import annotations

import gzip
import sys
import zlib
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer

from app.forecasting import following
from app.replay import unpacked
from domain.anomaly.detector import Detector
from domain.rejection import Rejected
from domain.series import in_order, read_points

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domain.series import Point


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("score")(score)
    app.command("forecast")(forecast)


LEAST: Final = 3
STDIN: Final = "-"
_PACKED: Final = "; what is packed is read from a file only"
SMALL: Final = 0.01
File = Annotated[str, typer.Argument(metavar="FILE", help="CSV with timestamp,value, gzip or not; - is plain stdin")]


def score(file: File) -> None:
    """Run the anomaly detector over a history, oldest row first, one pass, as live.

    Prints CSV: timestamp,value,anomaly_score,anomaly. The score is in 0..1, and an anomaly (1) from 0.5 on; nothing is
    one before 19 rows are known. Rows are printed as they are read: with - the input may go on for ever.
    """
    detector, rows = Detector(), 0
    for point in _read(file):
        if isinstance(point, Rejected):
            _fail(f"{file}: {point.reason}")
        if not rows:
            sys.stdout.write("timestamp,value,anomaly_score,anomaly\n")
        verdict = detector.follow_one(point.at, point.value)
        sys.stdout.write(f"{point.timestamp},{point.text},{verdict.score:.6f},{int(verdict.anomaly)}\n")
        if file == STDIN:
            sys.stdout.flush()
        rows += 1
    if not rows:
        _fail(f"{file}: no rows")


def forecast(
    file: File,
    *,
    horizon: Annotated[int, typer.Option(min=1, max=10_000, help="How many steps ahead")],
) -> None:
    """Say what comes next, with a band in which eight of ten values lie.

    Prints CSV: timestamp,mean,lower,upper. Rows may come in any order, the last one at an instant counts, and steps
    that are missing are taken to lie on the line between their neighbours.
    """
    # numpy takes a while to load: not for `--help`.
    from domain.forecast import forecast as ahead  # noqa: PLC0415
    from domain.forecast.grid import evenly  # noqa: PLC0415
    from domain.forecast.seasons import spacing  # noqa: PLC0415

    read = list(_read(file))
    if read and isinstance(rejected := read[-1], Rejected):
        _fail(f"{file}: {rejected.reason}")
    points = in_order(point for point in read if not isinstance(point, Rejected))
    if not read:
        _fail(f"{file}: no rows")
    if again := len(read) - len(points):
        repeat = f"{again:,} rows repeat" if again > 1 else "1 row repeats"
        typer.echo(f"costguard: {file}: {repeat} a timestamp; the last one counts", err=True)
    if len(points) < LEAST:
        _fail(f"{file}: at least {LEAST} different times are needed")
    last, step = points[-1], spacing([point.at for point in points])
    times, values = evenly([point.at for point in points], [point.value for point in points], step)
    try:
        coming = list(following(last.timestamp, last.at, step, horizon))
    except (ValueError, OverflowError, OSError):
        _fail(f"{file}: {horizon} steps after {last.timestamp} are beyond the calendar")
    sys.stdout.write("timestamp,mean,lower,upper\n")
    found = ahead(times, values, horizon)
    form = ".6f" if max(abs(step.mean) for step in found) >= SMALL else ".6g"
    for when, edges in zip(coming, found, strict=True):
        sys.stdout.write(",".join((when, *(format(edge, form) for edge in edges))) + "\n")


def _read(file: str) -> Iterator[Point | Rejected]:
    """Yield the points of a file or of standard input, line by line; end with an error when it cannot be read."""
    try:
        if file == STDIN:
            yield from read_points(sys.stdin)
        else:
            with Path(file).open("rb") as raw, TextIOWrapper(unpacked(raw), "utf-8-sig", newline="") as lines:
                yield from read_points(lines)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        _fail(f"{file}: {error}")
    except OSError as error:
        _fail(f"{file}: {error.strerror}")
    except UnicodeDecodeError:
        _fail(f"{file}: not UTF-8 text{_PACKED if file == STDIN else ''}")


def _fail(message: str) -> NoReturn:
    typer.echo(f"costguard: {message}", err=True)
    raise typer.Exit(1)
