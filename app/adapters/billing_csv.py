"""CSV in blocks of whole records: Arrow parses one beside the reader of the last, and makes only the wanted columns.

The standard library's reader makes a string of every cell, which costs more than all that follows. It is used where
exact places matter more than speed: for records of a wrong length, and for the numbers of lines.

Spreadsheets and portals write some lines of a cell or two before the columns (a title, a period, `sep=;`): the header
is then the first line that is as wide as one. Cells that semicolons separate have commas in their numbers.
"""

from __future__ import annotations

import codecs
import csv
import io
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NamedTuple

import pyarrow as pa
from pyarrow import csv as arrow_csv

from app.adapters.billing_files import Batch, UnreadableBillError
from app.adapters.billing_text import as_utf8
from domain.billing.header import Header
from domain.billing.row import RejectedRow

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BLOCK_BYTES: Final = 4 << 20
MAX_RECORD_BYTES: Final = 16 << 20
_DELIMITERS: Final = ",;\t|"
# What a line before the header has at most: a name and its value.
_TITLE_CELLS: Final = 2
_LINES_BEFORE: Final = 40

csv.field_size_limit(MAX_RECORD_BYTES)


class CsvTable:
    """A CSV file whose first line that is not blank, or the first wide one after narrow ones, names the columns."""

    def __init__(self, stream: BinaryIO) -> None:
        """Read the columns; raise `UnreadableBillError` when there is no header."""
        self._blocks = _blocks(as_utf8(stream))
        self._first = next(self._blocks, b"").removeprefix(codecs.BOM_UTF8)
        try:
            head = self._first[: 1 << 20].decode("utf-8", "ignore" if len(self._first) > 1 << 20 else "strict")
        except UnicodeDecodeError:
            raise UnreadableBillError("neither UTF-8 nor UTF-16 text") from None
        self._delimiter = _delimiter(head)
        self.decimal_comma = self._delimiter == ";"
        names, self._header_lines = _columns(head, self._delimiter)
        if not names:
            raise UnreadableBillError("the file is empty")
        self.header = Header([name.strip() for name in names])

    def batches(self, positions: Sequence[int], needed: Sequence[int]) -> Iterator[Batch]:
        """Yield the records of each block, then those of them that are short but usable."""
        for block, table in _ahead(self._parsed(positions)):
            columns = [column.to_pylist() for column in table.columns]
            yield Batch(columns, table.num_rows, block.line_of)
            if block.irregular:
                yield _irregular(block, positions, set(needed))

    def _parsed(self, positions: Sequence[int]) -> Iterator[tuple[_CsvBlock, Any]]:
        line = 1
        skip = self._header_lines
        for content in self._contents():
            block = _CsvBlock(content, line, skip, len(self.header.names), self._delimiter)
            line += content.count(b"\n")
            skip = 0
            yield block, block.parse(positions)

    def _contents(self) -> Iterator[bytes]:
        yield self._first
        self._first = b""
        yield from self._blocks


def _delimiter(head: str) -> str:
    lines = [line for line in islice(io.StringIO(head), _LINES_BEFORE) if line.strip()] or [""]
    wide = next((line for line in lines if _cells_of(line) > _TITLE_CELLS), lines[0])
    return max(_DELIMITERS, key=wide.count)


def _cells_of(line: str) -> int:
    return max(map(line.count, _DELIMITERS)) + 1


def _columns(head: str, delimiter: str) -> tuple[list[str], int]:
    """Return the names of the columns, and on which line they end."""
    reader = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter)
    first: tuple[list[str], int] = [], 0
    for record in reader:
        cells = sum(bool(cell.strip()) for cell in record)
        if cells > _TITLE_CELLS:
            return record, reader.line_num
        if cells and not first[0]:
            first = record, reader.line_num
        if reader.line_num >= _LINES_BEFORE:
            break
    return first


class _Irregular(NamedTuple):
    """A record of a wrong length: its number in the block (from 1) and its text."""

    number: int
    text: str


class _CsvBlock:
    """Whole records: `content` begins on line `line` of the file, and with `skip` lines of header."""

    def __init__(self, content: bytes, line: int, skip: int, width: int, delimiter: str) -> None:
        self.irregular: list[_Irregular] = []
        self.delimiter = delimiter
        self.width = width
        self.ends_whole = content.endswith(b"\n")
        self._content = content[_after_lines(content, skip) :]
        self._line = line + skip

    def parse(self, positions: Sequence[int]) -> Any:
        """Return an Arrow table of texts; records of a wrong length are kept aside."""
        names = [str(number) for number in range(self.width)]
        wanted = [names[position] for position in positions]
        if not self._content.strip():
            return pa.table({name: pa.array([], pa.string()) for name in wanted})
        try:
            return arrow_csv.read_csv(
                pa.BufferReader(self._content),
                read_options=arrow_csv.ReadOptions(
                    column_names=names, use_threads=False, block_size=len(self._content) + 1
                ),
                parse_options=arrow_csv.ParseOptions(
                    delimiter=self.delimiter, newlines_in_values=True, invalid_row_handler=self._keep_aside
                ),
                convert_options=arrow_csv.ConvertOptions(
                    include_columns=wanted,
                    column_types=dict.fromkeys(wanted, pa.string()),
                    strings_can_be_null=False,
                ),
            )
        except pa.ArrowInvalid as error:
            raise UnreadableBillError(f"cannot be read after line {self._line - 1}: {error}") from error

    def line_of(self, position: int) -> int:
        """Return the line on which a regular record begins."""
        number = position + 1
        for each in self.irregular:
            number += each.number <= number
        return self.line_of_number(number)

    def line_of_number(self, number: int) -> int:
        """Return the line on which the record of a number begins."""
        return self._starts[number - 1]

    @cached_property
    def _starts(self) -> list[int]:
        reader = csv.reader(io.StringIO(self._content.decode(), newline=""), delimiter=self.delimiter)
        starts, last = [], 0
        for record in reader:
            if record:
                starts.append(self._line + last)
            last = reader.line_num
        return starts

    def ends_with(self, text: str) -> bool:
        """Tell whether this is the last that there is, and its line does not end."""
        return not self.ends_whole and self._content.endswith(text.encode())

    def _keep_aside(self, row: Any) -> str:
        self.irregular.append(_Irregular(row.number, row.text))
        return "skip"


def _irregular(block: _CsvBlock, positions: Sequence[int], needed: set[int]) -> Batch:
    """Return the usable records of a wrong length, and why the others are not."""
    records: list[list[str]] = []
    lines: list[int] = []
    rejected: list[RejectedRow] = []
    for each in block.irregular:
        line = block.line_of_number(each.number)
        fields = next(csv.reader(io.StringIO(each.text, newline=""), delimiter=block.delimiter))
        if _is_usable(fields, block.width, needed, cut_off=not block.ends_whole and each is block.irregular[-1]):
            padded = fields + [""] * (block.width - len(fields))
            records.append([padded[position] for position in positions])
            lines.append(line)
        elif _is_cut_off(block, each, fields):
            raise UnreadableBillError(f"it ends in the middle of line {line}; fetch it again, whole")
        else:
            rejected.append(RejectedRow(line, f"has {len(fields)} fields, the header has {block.width}"))
    columns = list(zip(*records, strict=True)) or [()] * len(positions)
    return Batch(columns, len(records), lines.__getitem__, rejected)


def _is_usable(fields: Sequence[str], width: int, needed: set[int], *, cut_off: bool) -> bool:
    """Tell whether only empty cells are too many, or only cells that nobody needs are lacking.

    The last cell of a short record may be half of what it was, so it must not be a needed one.
    """
    if len(fields) > width:
        return not any(fields[width:])
    return not cut_off and max(needed, default=-1) < len(fields) - 1


def _is_cut_off(block: _CsvBlock, record: _Irregular, fields: Sequence[str]) -> bool:
    """Tell whether the file ends within a record: more than a total below the columns, and no end of its line."""
    cells = sum(bool(cell.strip()) for cell in fields)
    return block.ends_with(record.text) and cells > _TITLE_CELLS and len(fields) < block.width


def _ahead(items: Iterator[tuple[_CsvBlock, Any]]) -> Iterator[tuple[_CsvBlock, Any]]:
    """Yield the items, each made in a thread while the one before it is used: reading and Arrow release the GIL."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        coming = thread.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = thread.submit(next, items, None)
            yield item


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    """Yield whole records, about 4 MB at a time."""
    rest = b""
    while data := stream.read(BLOCK_BYTES):
        data = rest + data
        end = _end_of_record(data)
        if end:
            yield data[:end]
        rest = data[end:]
        if len(rest) > MAX_RECORD_BYTES:
            raise UnreadableBillError("not a CSV file: a quote is opened and not closed within 16 MB")
    if rest:
        yield rest


def _end_of_record(data: bytes) -> int:
    """Return where the last whole record ends: after the last newline with an even number of quotes before it."""
    odd = data.count(b'"') % 2
    end = len(data)
    while (newline := data.rfind(b"\n", 0, end)) >= 0:
        odd ^= data.count(b'"', newline, end) % 2
        if not odd:
            return newline + 1
        end = newline
    return 0


def _after_lines(content: bytes, lines: int) -> int:
    position = 0
    for _ in range(lines):
        position = content.find(b"\n", position) + 1 or len(content)
    return position
