"""Commands over a history in a file: `score` runs the anomaly detector over it, `forecast` says what comes next."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer

from app.forecasting import following
from domain.anomaly.detector import follow
from domain.rejection import Rejected
from domain.series import read_series

if TYPE_CHECKING:
    from domain.series import Point


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("score")(score)
    app.command("forecast")(forecast)


LEAST: Final = 3
File = Annotated[str, typer.Argument(metavar="FILE", help="CSV with timestamp,value, oldest first; - is stdin")]


def score(file: File) -> None:
    """Run the anomaly detector over a history, one pass, as live.

    Prints CSV: timestamp,value,anomaly_score,anomaly. The score is in 0..1, and an anomaly (1) from 0.5 on.
    """
    points = _points(file)
    sys.stdout.write("timestamp,value,anomaly_score,anomaly\n")
    for point, verdict in zip(points, follow((point.at, point.value) for point in points), strict=True):
        sys.stdout.write(f"{point.timestamp},{point.text},{verdict.score:.6f},{int(verdict.anomaly)}\n")


def forecast(
    file: File,
    *,
    horizon: Annotated[int, typer.Option(min=1, max=10_000, help="How many steps ahead")],
) -> None:
    """Say what comes next, with a band in which eight of ten values lie.

    Prints CSV: timestamp,mean,lower,upper.
    """
    # numpy takes a while to load: not for `--help`.
    from domain.forecast import forecast as ahead  # noqa: PLC0415
    from domain.forecast.seasons import spacing  # noqa: PLC0415

    points = _points(file)
    times = [point.at for point in points]
    if len(points) < LEAST or (step := spacing(times)) <= 0:
        _fail(f"{file}: at least {LEAST} rows in the order of time are needed")
    found = ahead(times, [point.value for point in points], horizon)
    sys.stdout.write("timestamp,mean,lower,upper\n")
    for when, (mean, lower, upper) in zip(
        following(points[-1].timestamp, times[-1], step, horizon), found, strict=True
    ):
        sys.stdout.write(f"{when},{mean:.6f},{lower:.6f},{upper:.6f}\n")


def _points(file: str) -> list[Point]:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8-sig")
    except OSError as error:
        _fail(f"{file}: {error.strerror}")
    except UnicodeDecodeError:
        _fail(f"{file}: not UTF-8 text")
    points = read_series(text.splitlines())
    if isinstance(points, Rejected):
        _fail(f"{file}: {points.reason}")
    return points


def _fail(message: str) -> NoReturn:
    typer.echo(f"costguard: {message}", err=True)
    raise typer.Exit(1)
