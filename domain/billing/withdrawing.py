"""Taking a bill back that should not have been imported: the wrong file, or one that another name repeats.

An edition without rows is told in its place. It is final and newer than all there are, so it counts; what was imported
stays in the history that `as_of` answers from. The same file again changes nothing: it is older.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from domain.billing.datasets import is_bill
from domain.billing.editions import standing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domain.billing.editions import Edition

NO_ROWS: Final = f"{0:032x}"


def counting(editions: Iterable[Edition]) -> list[Edition]:
    """Return the editions of bills that count and say something, in the order of their names."""
    known = list(editions)
    keys = standing(known)
    counts = (each for each in known if each.key in keys and each.rows and is_bill(each.statement))
    return sorted(counts, key=lambda each: each.key)


def named(editions: Iterable[Edition], name: str) -> list[Edition]:
    """Return those of a file (its name, as a bill is listed by it) or of an assembly."""
    return [each for each in counting(editions) if name and name in (each.part, each.assembly)]


def withdrawn(edition: Edition, now: int) -> Edition:
    """Return what takes an edition back; `now` in epoch seconds. Its parts in other months follow it."""
    return msgspec.structs.replace(
        edition,
        assembly=f"withdrawn:{edition.assembly}"[:200],
        written=max(now, edition.written + 1),
        final=True,
        rows=0,
        rejected=0,
        content=NO_ROWS,
        amortises=(),
        spreads=(),
    )
