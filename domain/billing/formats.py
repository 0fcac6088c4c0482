"""What a format is, and telling by a file's header which one it is. Names of files decide nothing.

A format needs certain columns, some under one of several names. A header that has them all is read; any other is
refused whole: half a format would be read as if the rest were zero.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from domain.billing.header import canonical

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from domain.billing.block import Block
    from domain.billing.header import Header
    from domain.billing.row import BillingRow

Columns = dict[str, Any]
"""By field of `BillingRow`: a list with a value per record, or one value for all."""


class Context(NamedTuple):
    """What no cell of a file says: its currency if it names none, which data set it is, how it writes decimals."""

    currency: str
    dataset: str
    decimal_comma: bool = False


def no_more_rows(_block: Block, _rows: Mapping[int, BillingRow]) -> list[BillingRow]:
    """Add nothing to the rows of a block."""
    return []


@dataclass(frozen=True)
class Format:
    """One family of files.

    `needs`: groups of column names, one of each group must be there. `uses`: further columns that are read. `tags`:
    beginnings of columns that are a tag each. `currencies`: where a file may name its currency. `convert` makes
    columns of FOCUS of a block; `more` adds rows to those of a block, by the positions of their records: credits that
    are nested in a record are charges of their own.
    `dataset` is the data set. A format with several has `dataset_of`, which tells it by a block of `dataset_columns`,
    None where it does not show there; `dataset` is then that of a file in which it shows nowhere. `amortises` tells
    which data sets of purchases give way to a file, by its header. `instead` knows other tables of the provider, which
    are no bill, and tells what to export instead.
    """

    name: str
    provider: str
    needs: tuple[tuple[str, ...], ...]
    uses: tuple[str, ...]
    convert: Callable[[Block, Context], Columns]
    tags: tuple[str, ...] = ()
    currencies: tuple[str, ...] = ("BillingCurrency", "BillingCurrencyCode", "Currency")
    more: Callable[[Block, Mapping[int, BillingRow]], list[BillingRow]] = no_more_rows
    dataset: str = ""
    dataset_of: Callable[[Block], str | None] | None = None
    dataset_columns: tuple[str, ...] = ()
    amortises: Callable[[Header], tuple[str, ...]] = field(default=lambda _header: ())
    instead: Callable[[Header], str] = field(default=lambda _header: "")
    label: Callable[[Header], str] = field(default=lambda _header: "")

    def missing(self, header: Header) -> list[str]:
        """Return the needed columns that a header has not, as `A or B` where there is a choice."""
        return [" or ".join(group) for group in self.needs if header.first_of(group) is None]

    def columns(self, header: Header) -> list[int]:
        """Return the positions of the columns to read, in an order that does not depend on the file's."""
        known = [name for group in self.needs for name in group] + list(self.uses)
        plain = [header.positions[name] for name in dict.fromkeys(map(canonical, known)) if name in header.positions]
        # Tags differ in case alone (`user:Team`, `user:team`): each is a column of its own.
        tags = [place for place in header.starting_with(self.tags) if place not in plain]
        return [*plain, *sorted(tags, key=lambda place: (canonical(header.names[place]), header.names[place]))]


_MAX_SHOWN: Final = 2_000


class Unrecognised(NamedTuple):
    """A header that no format accepts: what was seen, and of the nearest formats what is missing.

    `doubled` are columns that a format needs and that are there twice: nobody can say which of them is meant. `instead`
    is what to export instead, where the table is known to be no bill.
    """

    seen: tuple[str, ...]
    nearest: tuple[tuple[str, tuple[str, ...]], ...]
    doubled: tuple[str, ...] = ()
    instead: str = ""

    def __str__(self) -> str:
        header = ", ".join(self.seen[:60]) + (f", ... ({len(self.seen)} columns)" if len(self.seen) > 60 else "")  # noqa: PLR2004
        if len(header) > _MAX_SHOWN:
            header = f"{header[:_MAX_SHOWN]}..."
        header = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in header)
        if not self.seen:
            return "no record is in it that says what it is"
        if self.doubled:
            return f"these columns are there twice: {', '.join(self.doubled)}. The header is: {header}"
        if self.instead:
            return f"{self.instead}. The header is: {header}"
        lacks = "; ".join(f"for {name} these are missing: {', '.join(missing)}" for name, missing in self.nearest)
        return f"unknown format; {lacks or 'no known column is there'}. The header is: {header or '(empty)'}"


def detect(header: Header, formats: Sequence[Format]) -> Format | Unrecognised:
    """Return the format whose needs the header meets, the first of several; else what is missing."""
    scored = []
    for candidate in formats:
        missing = candidate.missing(header)
        if not missing:
            twice = [name for group in candidate.needs for name in group if canonical(name) in header.doubled]
            return Unrecognised(header.names, (), tuple(twice)) if twice else candidate
        scored.append((len(candidate.needs) - len(missing), candidate, missing))
    if instead := next(filter(None, (candidate.instead(header) for candidate in formats)), ""):
        return Unrecognised(header.names, (), instead=instead)
    scored.sort(key=lambda entry: -entry[0])
    best = scored[0][0] if scored else 0
    near = [(each.name, tuple(missing)) for found, each, missing in scored if found and found == best]
    return Unrecognised(header.names, tuple(near[:2]))
