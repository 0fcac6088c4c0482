"""JSON bills: JSON lines and arrays of records (BigQuery), and the answers of cost APIs, opened into records.

Lines are read one by one, twice: writers leave out what is null, so a column may first be named in the last of them.
Any other document is read whole, so it is limited in size; providers page theirs. Numbers stay the text that they are
in the file. Nested objects are columns with dots in their names; lists stay.
"""

from __future__ import annotations

import json
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import msgspec

from app.adapters.billing_files import Batch, UnreadableBillError
from domain.billing.documents import records_of
from domain.billing.header import Header
from domain.billing.row import RejectedRow
from domain.billing.tags import is_tag_map

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MAX_LINE_BYTES: Final = 16 << 20
MAX_DOCUMENT_BYTES: Final = 256 << 20
_ROWS: Final = 4096
_MAX_SHAPES: Final = 10_000

_Record = dict[str, Any]
_Numbered = tuple[int, _Record | None]
# Numbers as the text that they are; whole ones are made text again by `_flat`.
_decode = msgspec.json.Decoder(float_hook=str).decode


class JsonTable:
    """A JSON file; the header is what any of its records names."""

    decimal_comma = False

    def __init__(self, stream: BinaryIO) -> None:
        """Read the columns; raise `UnreadableBillError` when it is not JSON, or too large to be read whole."""
        self._records = _records(stream)
        self.header = Header(list(self._records.names()))

    def batches(self, positions: Sequence[int], needed: Sequence[int]) -> Iterator[Batch]:
        """Yield the records, some thousands at a time; what a record does not name is empty."""
        del needed
        names = [self.header.names[position] for position in positions]
        records = iter(self._records)
        while some := list(islice(records, _ROWS)):
            good = [(line, record) for line, record in some if record is not None]
            lines = [line for line, _ in good]
            columns = [[record.get(name, "") for _, record in good] for name in names]
            rejected = [RejectedRow(line, "not a JSON object") for line, record in some if record is None]
            yield Batch(columns, len(good), lines.__getitem__, rejected)


class _Document:
    """The records of a document that has been read."""

    def __init__(self, document: Any) -> None:
        self._document = document

    def __iter__(self) -> Iterator[_Numbered]:
        return enumerate(map(_flat, records_of(self._document)), 1)

    def names(self) -> Iterable[str]:
        return dict.fromkeys(name for _, record in self for name in record or ())


class _Lines:
    """The records of JSON lines, from the first on each time."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[_Numbered]:
        for number, line in enumerate(self._lines(), 1):
            if line.strip():
                try:
                    record = _line(line)
                except ValueError:
                    record = None
                yield number, _flat(record) if isinstance(record, dict) else None

    def _lines(self) -> Iterator[bytes]:
        """Yield the lines from the first on; a line without an end would take all memory."""
        self._stream.seek(0)
        while line := self._stream.readline(MAX_LINE_BYTES):
            if len(line) == MAX_LINE_BYTES:
                raise UnreadableBillError(f"a line of over {MAX_LINE_BYTES >> 20} MB, which is no row of a bill")
            yield line

    def names(self) -> Iterable[str]:
        """Return the names alone: most records have the same as one before them."""
        found: dict[str, None] = {}
        seen: set[tuple[Any, ...]] = set()
        for line in self._lines():
            with suppress(ValueError):
                record = _line(line)
                if isinstance(record, dict) and (shape := _shape(record)) not in seen:
                    found.update(dict.fromkeys(_names(record)))
                    if len(seen) < _MAX_SHAPES:
                        seen.add(shape)
        return found


def _records(stream: BinaryIO) -> _Document | _Lines:
    first = stream.readline(MAX_DOCUMENT_BYTES)
    while first and not first.strip():
        first = stream.readline(MAX_DOCUMENT_BYTES)
    if len(first) >= MAX_DOCUMENT_BYTES:
        raise _too_large()
    try:
        whole = _loads(first)
    except ValueError:
        whole = None
    second = stream.readline(MAX_DOCUMENT_BYTES)
    if isinstance(whole, dict) and not _is_document(whole):
        return _Lines(stream)
    if whole is not None and not second.strip():
        return _Document(whole)
    rest = first + second
    if len(rest) < MAX_DOCUMENT_BYTES:
        rest += stream.read(MAX_DOCUMENT_BYTES - len(rest))
    if len(rest) >= MAX_DOCUMENT_BYTES:
        raise _too_large()
    try:
        return _Document(_loads(rest))
    except ValueError as error:
        raise UnreadableBillError(f"not JSON: {error}") from error


def _too_large() -> UnreadableBillError:
    return UnreadableBillError("a JSON document of over 256 MB; export JSON lines, CSV or parquet instead")


def _is_document(record: _Record) -> bool:
    return isinstance(record.get("data"), (list, dict)) or isinstance(record.get("records"), list)


def _loads(text: bytes) -> Any:
    try:
        return json.loads(text, parse_float=str, parse_int=str, parse_constant=str)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _line(text: bytes) -> Any:
    """Read a line, by the faster of two readers where that takes it; this is half of reading a bill."""
    try:
        return _decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _loads(text)


def _shape(record: _Record) -> tuple[Any, ...]:
    """Return what is the same for records that have the same columns in the same order."""
    nested = [name for name, value in record.items() if type(value) is dict]
    inner = [(name, _shape(record[name])) for name in nested if not is_tag_map(name)]
    return (*record, *inner) if inner else tuple(record)


def _flat(record: _Record) -> _Record:
    found: _Record = {}
    for name, value in record.items():
        if type(value) is str:
            found[name] = value
        elif type(value) is dict and not is_tag_map(name):
            found |= {f"{name}.{inner}": cell for inner, cell in _flat(value).items()}
        else:
            found[name] = "" if value is None else str(value) if isinstance(value, bool) else _texts(value)
    return found


def _texts(value: Any) -> Any:
    """Return a value with its whole numbers as text."""
    if isinstance(value, list):
        return [_texts(each) for each in value]
    if isinstance(value, dict):
        return {name: _texts(each) for name, each in value.items()}
    return str(value) if type(value) is int else value


def _names(record: _Record, prefix: str = "") -> Iterator[str]:
    """Yield the columns of a record: those of nested objects have dots in their names, tags are one."""
    for name, value in record.items():
        if isinstance(value, dict) and not is_tag_map(name):
            yield from _names(value, f"{prefix}{name}.")
        else:
            yield prefix + name
