"""The columns of a file by their canonical names, whatever the spelling of the export.

`lineItem/UnblendedCost`, `line_item_unblended_cost` and `LINEITEMUNBLENDEDCOST` are one column, so are
`service.description` and `service_description`. Azure's localised headers name the column in parentheses:
`Kategorie der Verbrauchseinheit (MeterCategory)`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_LOCALISED: Final = re.compile(r".*\((\w+)\)\s*")
_PUNCTUATION: Final = re.compile(r"[^a-z0-9]+")


@lru_cache(maxsize=4096)
def canonical(name: str) -> str:
    """Return the letters and digits of a column's name, in lower case."""
    found = _LOCALISED.fullmatch(name)
    return _PUNCTUATION.sub("", (found[1] if found else name).casefold())


class Header:
    """The columns of one file; of two with the same canonical name, the first counts."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self.positions: dict[str, int] = {}
        self.doubled: set[str] = set()
        for position, name in enumerate(names):
            if self.positions.setdefault(canonical(name), position) != position:
                self.doubled.add(canonical(name))

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and canonical(name) in self.positions

    def first_of(self, names: Iterable[str]) -> str | None:
        """Return the first of the spellings that the file has."""
        return next((name for name in names if name in self), None)

    def starting_with(self, prefixes: Sequence[str]) -> list[int]:
        """Return the positions of the names that begin with one of the prefixes, in any case."""
        folded = tuple(prefix.casefold() for prefix in prefixes)
        return [place for place, name in enumerate(self.names) if folded and name.casefold().startswith(folded)]
