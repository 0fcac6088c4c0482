"""How far a benchmark is: a bar on standard error, where that is a terminal; nothing elsewhere."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Iterator


class Steps:
    """The steps of one benchmark."""

    def __init__(self, bar: Progress, title: str, total: int) -> None:
        self._bar = bar
        self._title = title
        self._task = bar.add_task(title, total=total)

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Show what is being done, and that it is done."""
        self._bar.update(self._task, description=f"{self._title}: {what}")
        try:
            yield
        finally:
            self._bar.advance(self._task)


@contextmanager
def steps(title: str, total: int) -> Iterator[Steps]:
    """Show a bar of `total` steps; it disappears at the end."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        yield Steps(bar, title, total)
