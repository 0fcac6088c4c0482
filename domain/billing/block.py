"""Some records of one file, by column, with typed access; what is wrong in a cell never rejects the file.

A record is rejected for a cell without which its money would be wrong. Any other cell that cannot be read is taken for
empty, and noted: a tag that nobody can read makes a charge unattributed, not unpaid.

A cell is text, empty for null; tags and credits of JSON and parquet files may be structures. The accessors return one
value per record, in order; for a column that the file does not have, None for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

from domain.billing.amounts import parse_amount, parse_comma_amount
from domain.billing.header import canonical
from domain.billing.instants import parse_instant
from domain.money import ZERO

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from decimal import Decimal

    from domain.billing.tags import TagTable
    from domain.scope import Scope

T = TypeVar("T")
Column = Sequence[Any]
# As databases, spreadsheets and data frames write what is not there.
NULLS: Final = frozenset(
    {"", "null", "NULL", "Null", "(null)", "<null>", "None", "nan", "NaN", "<NA>", "N/A", "n/a", "#N/A", "\\N"}
)
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_REMEMBERED: Final = 50_000


class Memo(dict[Any, Any]):
    """Remembers what texts were read as: cells of a bill repeat; forgets everything when there are too many."""

    def __init__(self, read: Callable[[Any], Any]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, cell: Any) -> Any:
        if len(self) >= _MAX_REMEMBERED:
            self.clear()
        found = self[cell] = self._read(cell)
        return found


class _Bad(str):
    """Why a cell cannot be read."""

    __slots__ = ()


def _reader(parse: Callable[[str], object]) -> Memo:
    def read(cell: str) -> object:
        if cell in NULLS:
            return None
        try:
            return parse(cell)
        except (ValueError, OverflowError) as error:
            return _Bad(error)

    return Memo(read)


class Readers:
    """What is remembered between the blocks of a file."""

    def __init__(self, table: TagTable, *, decimal_comma: bool = False) -> None:
        self.amounts = _reader(parse_comma_amount if decimal_comma else parse_amount)
        self.instants = _reader(parse_instant)
        self.table = table
        self.memos: dict[Any, Memo] = {}

    def memo(self, read: Callable[..., Any], *more: Any) -> Memo:
        """Return the memory of a function of one cell, or of more values that stay the same."""
        key = (read, *more)
        if key not in self.memos:
            self.memos[key] = Memo(lambda cell: read(cell, *more))
        return self.memos[key]


class Block:
    """`columns` hold `length` cells each; `names` are theirs, as the file spells them."""

    def __init__(self, names: Sequence[str], columns: Sequence[Column], length: int, readers: Readers) -> None:
        self.names = tuple(names)
        self.columns = columns
        self.readers = readers
        self.rejected: dict[int, str] = {}
        self.noted: dict[int, str] = {}
        self._length = length
        self._places = dict(zip(map(canonical, names), columns, strict=True))

    def __len__(self) -> int:
        return self._length

    def __contains__(self, name: str) -> bool:
        return canonical(name) in self._places

    def cells(self, *names: str) -> Column:
        """Return the cells of the first of the columns that the file has, empty texts if it has none."""
        return self._column(names) or [""] * self._length

    def starting_with(self, prefixes: tuple[str, ...]) -> list[tuple[str, Column]]:
        """Return the columns whose names begin with one of the prefixes (in lower case), each with its name."""
        named = zip(self.names, self.columns, strict=True)
        return [(name, column) for name, column in named if name.casefold().startswith(prefixes)]

    def text(self, *names: str) -> list[str | None]:
        """Return texts, None for empty ones and the word null."""
        found = self._column(names)
        if found is None:
            return [None] * self._length
        try:
            return [None if cell in NULLS else cell for cell in found]
        except TypeError:  # a list or an object of JSON where a text belongs
            return [None if (text := str(cell)) in NULLS else text for cell in found]

    def amount(self, *names: str) -> list[Decimal | None]:
        """Return numbers, exact; None for empty ones, and for those that are none, which are noted."""
        return self._read(self.readers.amounts, names, bad=self.note)

    def money(self, *names: str) -> list[Decimal | None]:
        """Return numbers; None for empty ones. A record with something that is no number is rejected."""
        return self._read(self.readers.amounts, names)

    def instant(self, *names: str) -> list[datetime | None]:
        """Return times in UTC; None for empty ones."""
        return self._read(self.readers.instants, names)

    def instant_of(self, name: str, position: int) -> datetime | None:
        """Return the time of one record; None when it is empty or no time: for a few records that need it."""
        found = self.readers.instants[self.cells(name)[position]]
        return found if isinstance(found, datetime) else None

    def needed_amount(self, *names: str) -> list[Decimal]:
        """Return numbers; a record without one is rejected, and its value here means nothing."""
        return self._read(self.readers.amounts, names, instead=ZERO)

    def needed_instant(self, *names: str) -> list[datetime]:
        """Return times; a record without one is rejected, and its value here means nothing."""
        return self._read(self.readers.instants, names, instead=_NEVER)

    def parsed(self, parse: Callable[[Any], T], *names: str) -> list[T]:
        """Return what `parse` makes of the cells; a record whose cell it refuses with `ValueError` is rejected."""
        return self._parsed(parse, names, self.reject)

    def _parsed(self, parse: Callable[[Any], T], names: tuple[str, ...], bad: Callable[[int, str], None]) -> list[T]:
        try:
            return [parse(cell) for cell in self.cells(*names)]
        except (ValueError, TypeError):
            return [self._parse_one(i, parse, cell, names[0], bad) for i, cell in enumerate(self.cells(*names))]

    def structured(self, parse: Callable[[Any], T], *names: str) -> list[T]:
        """As `parsed`, remembering texts: for columns that are texts in CSV and structures in JSON and parquet."""
        return self.parsed(self._remembering(parse), *names)

    def tags(self, parse: Callable[[Any], T], *names: str) -> list[T]:
        """As `structured`, of what says whose a charge is: what cannot be read is noted, and read as empty."""
        return self._parsed(self._remembering(parse), names, self.note)

    def _remembering(self, parse: Callable[[Any], T]) -> Callable[[Any], T]:
        memo = self.readers.memo(parse)
        return lambda cell: memo[cell] if isinstance(cell, str) else parse(cell)

    def reject(self, position: int, reason: str) -> None:
        """Refuse a record; the first reason stands."""
        self.rejected.setdefault(position, reason)

    def note(self, position: int, reason: str) -> None:
        """Tell that a cell is taken for empty, because it cannot be read; the first is told."""
        self.noted.setdefault(position, reason)

    def _parse_one(
        self, position: int, parse: Callable[[Any], T], cell: Any, name: str, bad: Callable[[int, str], None]
    ) -> T:
        try:
            return parse(cell)
        except (ValueError, TypeError) as error:
            bad(position, f"{name}: {error}")
            return parse("")

    def _read(
        self,
        memo: Memo,
        names: tuple[str, ...],
        instead: Any = None,
        bad: Callable[[int, str], None] | None = None,
    ) -> list[Any]:
        column = self._column(names)
        try:
            found = [None] * self._length if column is None else [memo[cell] for cell in column]
        except TypeError:  # a list or an object of JSON where a number belongs
            found = [memo[cell if isinstance(cell, str) else str(cell)] for cell in column or ()]
        kinds = set(map(type, found))
        if _Bad in kinds or (instead is not None and type(None) in kinds):
            for position, value in enumerate(found):
                if isinstance(value, _Bad) or (value is None and instead is not None):
                    told = f"{self._named(names)}: {'empty' if value is None else value}"
                    (bad or self.reject)(position, told)
                    found[position] = instead
        return found

    def _column(self, names: tuple[str, ...]) -> Column | None:
        return next((self._places[key] for name in names if (key := canonical(name)) in self._places), None)

    def _named(self, names: tuple[str, ...]) -> str:
        return next((name for name in names if name in self), names[0])


def scopes_of(block: Block, tags: Sequence[Mapping[str, str]]) -> list[Scope]:
    """Return the scope of each record's tags; the same dictionary is looked at once."""
    known: dict[int, Scope] = {}
    scopes = []
    for found in tags:
        scope = known.get(id(found))
        if scope is None:
            scope = known[id(found)] = block.readers.table.scope_of(found)
        scopes.append(scope)
    return scopes
