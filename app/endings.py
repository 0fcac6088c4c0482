"""How a command ends when it cannot do what it was asked: one line, and exit code 1."""

from __future__ import annotations

from typing import NoReturn

import typer


def fail(message: str) -> NoReturn:
    """Say why, on standard error, and end."""
    typer.echo(f"costguard: {message}", err=True)
    raise typer.Exit(1)
