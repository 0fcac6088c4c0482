"""The one place that makes consoles for answers: what is printed is whole, and means what it says.

In a terminal lines have its width, and tables fold what does not fit; one that would have to break figures has a line
for each cell instead. Nothing is cut. Without a terminal (a pipe, a file) lines are as long as they are. Square
brackets and colons in names are no markup.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

if TYPE_CHECKING:
    from rich.table import Column

# Wider than any answer: rich has no "unlimited".
_UNLIMITED: Final = 1_000_000
# What is left of a name before it is easier read on a line of its own.
_NAME_CELLS: Final = 20


def answering() -> Console:
    """Return the console of standard output."""
    return _console(stderr=False)


def reporting() -> Console:
    """Return the console of standard error, for progress and what happened on the way."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    width = None if (sys.stderr if stderr else sys.stdout).isatty() else _UNLIMITED
    return Console(stderr=stderr, width=width, markup=False, emoji=False, highlight=False)


def show(console: Console, table: Table) -> None:
    """Print a table as it is, or where the console is too narrow for its figures, a line for each cell."""
    least = sum(_least(console, column) for column in table.columns) + len(table.columns) - 1
    console.print(table if least <= console.width else _listed(table))


def _least(console: Console, column: Column) -> int:
    """Return how narrow a column may be: figures are not broken, names fold."""
    widths = (Measurement.get(console, console.options, cell).minimum for cell in (column.header, *column.cells))
    widest = max(widths, default=0)
    return widest if column.justify == "right" else min(widest, _NAME_CELLS)


def _listed(table: Table) -> Table:
    """Return the same cells below each other, named, with an empty line after each row."""
    listed = Table(title=table.title, title_justify="left", title_style=table.title_style, box=None, pad_edge=False)
    listed.show_header = False
    listed.add_column(style="dim", overflow="fold")
    listed.add_column(overflow="fold")
    by_row = zip(*(column.cells for column in table.columns), strict=True)
    for row, cells in zip(table.rows, by_row, strict=True):
        for column, cell in zip(table.columns, cells, strict=True):
            listed.add_row(column.header, cell, style=row.style)
        listed.add_row("", "")
    return listed
