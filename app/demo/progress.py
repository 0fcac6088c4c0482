"""Progress for people: a bar on a terminal, a plain line every few seconds anywhere else."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

LINE_SECONDS: Final = 5.0


class Advance(Protocol):
    """Tells how far a stage is."""

    def __call__(self, done: int, known: int | None = None) -> None:
        """Set what is done, and the total when it is known by now."""


@contextmanager
def stage(
    console: Console, name: str, total: int | None, unit: str = "events", *, estimated: bool = False
) -> Iterator[Advance]:
    """Show one stage of work while the block runs; yield what moves it. A total is `estimated` until it is told."""
    if console.is_terminal:
        with _bar(console) as bar:
            task = bar.add_task(name, total=total, of=_of(total, estimated=estimated))

            def advance(done: int, known: int | None = None) -> None:
                of = _of(known or total, estimated=estimated and known is None)
                bar.update(task, completed=done, total=known or total, of=of)

            yield advance
    else:
        yield _Lines(console, name, total, unit, estimated=estimated)


def _of(total: int | None, *, estimated: bool) -> str:
    return "" if not total else f" of about {total:,}" if estimated else f" of {total:,}"


def _bar(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description:<28}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.completed:,.0f}{task.fields[of]}"),
        TimeElapsedColumn(),
        console=console,
    )


class _Lines:
    def __init__(self, console: Console, name: str, total: int | None, unit: str, *, estimated: bool) -> None:
        self._console, self._name, self._total, self._unit = console, name, total, unit
        self._estimated = estimated
        self._next, self._last = 0.0, -1
        console.print(f"{name} ...", highlight=False)

    def __call__(self, done: int, known: int | None = None) -> None:
        now = time.monotonic()
        total = known or self._total
        if done == self._last or (now < self._next and done != total):
            return
        self._next, self._last = now + LINE_SECONDS, done
        of = _of(total, estimated=self._estimated and known is None)
        self._console.print(f"{self._name}: {done:,}{of} {self._unit}", highlight=False)
