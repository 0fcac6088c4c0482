"""From the records of one file to rows: one `Reading` per file, fed block by block, in constant memory.

Memory is what is remembered of repeated cells (bounded), and 8 bytes a line to tell identical lines apart.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import repeat
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec
import xxhash

from domain.billing.block import Block, Memo, Readers
from domain.billing.datasets import origin_of
from domain.billing.editions import Edition
from domain.billing.row import PURCHASE, BillingRow, RejectedRow, grouped
from domain.scope import DIMENSIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from domain.billing.block import Column
    from domain.billing.formats import Columns, Context, Format
    from domain.billing.header import Header
    from domain.billing.occurrences import Occurrences
    from domain.billing.tags import TagTable

_FIELDS: Final = tuple(msgspec.structs.fields(BillingRow))
_DEFAULTS: Final = {
    field.name: {} if field.default_factory is not msgspec.NODEFAULT else field.default for field in _FIELDS
}
_CELL_END: Final = "\x1f"
_DAY: Final = timedelta(days=1)
_DIGITS: Final = 32
_HALF: Final = 16
_WHOLE: Final = (1 << 128) - 1


class Source(NamedTuple):
    """Which edition a file is: its part and assembly, and when it was written (epoch seconds)."""

    part: str
    assembly: str
    written: int


class _Tally:
    """What becomes an edition, of one statement."""

    def __init__(self) -> None:
        self.rows = 0
        self.latest = 0
        self.billed_until = 0
        self.final = True


class Reading:
    """Turns records into rows; `occurrences` is shared by the files of one assembly."""

    def __init__(
        self,
        format: Format,  # noqa: A002 - it is one
        header: Header,
        context: Context,
        source: Source,
        table: TagTable,
        occurrences: Occurrences,
    ) -> None:
        self.positions = format.columns(header)
        self.rejected = 0
        self.noted: list[RejectedRow] = []
        self._names = [header.names[position] for position in self.positions]
        self._format = format
        self._context = context
        self._source = source
        self._readers = Readers(table, decimal_comma=context.decimal_comma)
        self._occurrences = occurrences
        self._content = 0
        self._tallies: dict[tuple[str, str], _Tally] = {}
        self._statements = Memo(self._statement)
        self._amortises = format.amortises(header)
        self.assumed_currency = header.first_of(format.currencies) is None

    def block(self, columns: Sequence[Column], length: int) -> Block:
        """Return the block of some records: the cells of the columns at `positions`."""
        return Block(self._names, columns, length, self._readers)

    def rows(self, block: Block, line_of: Callable[[int], int]) -> tuple[list[BillingRow], list[RejectedRow]]:
        """Return the row of each record, then those of nested credits; and the records that have none, with why.

        `noted` then lists the records of this block that have a row, and a cell that could not be read.
        """
        self.noted = []
        if not len(block):
            return [], []
        columns = self._format.convert(block, self._context)
        good = self._assemble(columns, self._row_ids(block), block.rejected)
        extra = self._format.more(block, good)
        self._count(list(good.values()))
        self._count(extra)
        bad = [
            RejectedRow(line_of(position), reason)
            for position, reason in sorted(block.rejected.items())
            # Spreadsheets write rows without a cell (`,,,`) below their tables: these are no lines of a bill.
            if any(column[position] for column in block.columns)
        ]
        self.rejected += len(bad)
        kept = sorted(block.noted.items() - {(position, block.noted.get(position, "")) for position in block.rejected})
        self.noted = [RejectedRow(line_of(position), reason) for position, reason in kept]
        return [*good.values(), *extra], bad

    def count_rejected(self, lines: int) -> None:
        """Count lines that were no records to begin with."""
        self.rejected += lines

    def editions(self) -> list[Edition]:
        """Return what closes the editions of this file, one per statement and part, once all its blocks are read."""
        return [
            Edition(
                statement=statement,
                part=part,
                assembly=self._source.assembly,
                written=self._source.written,
                final=tally.final,
                latest=tally.latest,
                billed_until=tally.billed_until,
                rows=tally.rows,
                rejected=self.rejected,
                content=f"{self._content:032x}",
                amortises=self._amortises if origin_of(statement, part) is None else (),
            )
            for (statement, part), tally in sorted(self._tallies.items())
        ]

    def _assemble(self, columns: Columns, row_ids: list[str], rejected: Mapping[int, str]) -> dict[int, BillingRow]:
        columns["row_id"] = row_ids
        columns["part"] = self._source.part
        columns["assembly"] = self._source.assembly
        for dimension, values in zip(DIMENSIONS, zip(*columns.pop("scope"), strict=True), strict=True):
            columns[dimension] = values
        named = zip(
            _each(columns.get("provider_name")),
            _each(columns.get("billing_account_id")),
            _each(columns.get("sub_account_id")),
            columns["billing_period_start"],
            strict=False,
        )
        columns["statement"] = [self._statements[key] for key in named]
        ordered = [_each(columns.get(name, default)) for name, default in _DEFAULTS.items()]
        made = map(BillingRow, *ordered)
        if not rejected:
            return dict(enumerate(made))
        return {position: row for position, row in enumerate(made) if position not in rejected}

    def _statement(self, key: tuple[str | None, str | None, str | None, datetime]) -> str:
        provider, account, sub_account, start = key
        bill_of = account or sub_account or ""
        parts = (provider or self._format.provider, self._context.dataset, bill_of, f"{start:%Y-%m-%d}")
        return "/".join(part.replace("%", "%25").replace("/", "%2F") for part in parts)

    def _row_ids(self, block: Block) -> list[str]:
        try:
            texts = list(map(_CELL_END.join, zip(*block.columns, strict=True)))
        except TypeError:  # structures of JSON and parquet
            texts = [_CELL_END.join(map(str, cells)) for cells in zip(*block.columns, strict=True)]
        hexes = [xxhash.xxh3_128_hexdigest(text.encode("utf-8", "surrogatepass")) for text in texts]
        ordinals = self._occurrences.ordinals([int(each[:_HALF], 16) for each in hexes])
        return [f"{each}-{ordinal}" if ordinal else each for each, ordinal in zip(hexes, ordinals, strict=True)]

    def _count(self, rows: Sequence[BillingRow]) -> None:
        self._content = (self._content + sum([_content(row.row_id) for row in rows])) & _WHOLE
        for edition, mine in grouped(rows, "statement", "part"):
            tally = self._tallies.setdefault(edition, _Tally())
            tally.rows += len(mine)
            tally.final = tally.final and all(row.invoice_id for row in mine)
            tally.latest = max(tally.latest, int(max(row.charge_period_end for row in mine).timestamp()))
            told = max(_bought(row) if row.charge_category == PURCHASE else row.charge_period_end for row in mine)
            tally.billed_until = max(tally.billed_until, int(told.timestamp()))


def _content(row_id: str) -> int:
    """Return a number that differs between rows; a sum of them does not depend on their order."""
    return int(row_id, 16) if len(row_id) == _DIGITS else xxhash.xxh3_128_intdigest(row_id.encode())


def _bought(row: BillingRow) -> datetime:
    """Return until when a purchase shows that an account was billed: the day on which it begins, not its term."""
    return min(row.charge_period_end, (row.purchased or row.charge_period_start) + _DAY)


def _each(value: Any) -> Any:
    return value if isinstance(value, (list, tuple)) else repeat(value)
