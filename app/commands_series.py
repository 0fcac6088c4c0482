"""Commands over a history in a file: `score` runs the anomaly detector over it, as live."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from domain.anomaly.detector import follow
from domain.rejection import Rejected
from domain.series import read_series

if TYPE_CHECKING:
    from domain.series import Point


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("score")(score)


File = Annotated[str, typer.Argument(metavar="FILE", help="CSV with timestamp,value, oldest first; - is stdin")]


def score(file: File) -> None:
    """Run the anomaly detector over a history, one pass, as live.

    Prints CSV: timestamp,value,anomaly_score,anomaly. The score is in 0..1, and an anomaly (1) from 0.5 on.
    """
    points = _points(file)
    sys.stdout.write("timestamp,value,anomaly_score,anomaly\n")
    for point, verdict in zip(points, follow((point.at, point.value) for point in points), strict=True):
        sys.stdout.write(f"{point.timestamp},{point.text},{verdict.score:.6f},{int(verdict.anomaly)}\n")


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
