"""JSON bills: JSON lines and arrays of records (BigQuery), and the answers of cost APIs, opened into records.

Lines are read one by one, twice: writers leave out what is null, so a column may first be named in the last of them.
Any other document is read whole, so it is limited in size; providers page theirs. Numbers stay the text that they are
in the file. Nested objects are columns with dots in their names; lists stay.
"""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from app.adapters.billing_files import Batch, UnreadableBillError
from domain.billing.documents import records_of
from domain.billing.header import Header
from domain.billing.row import RejectedRow
from domain.billing.tags import is_tag_map

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

MAX_DOCUMENT_BYTES: Final = 256 << 20
_ROWS: Final = 4096

_Record = dict[str, Any]
_Numbered = tuple[int, _Record | None]


class JsonTable:
    """A JSON file; the header is what any of its records names."""

    decimal_comma = False

    def __init__(self, stream: BinaryIO) -> None:
        """Read the columns; raise `UnreadableBillError` when it is not JSON, or too large to be read whole."""
        self._records = _records(stream)
        names = dict.fromkeys(name for _, record in self._records() if record for name in record)
        self.header = Header(list(names))

    def batches(self, positions: Sequence[int], needed: Sequence[int]) -> Iterator[Batch]:
        """Yield the records, some thousands at a time; what a record does not name is empty."""
        del needed
        names = [self.header.names[position] for position in positions]
        records = self._records()
        while some := list(islice(records, _ROWS)):
            good = [(line, record) for line, record in some if record is not None]
            lines = [line for line, _ in good]
            columns = [[record.get(name, "") for _, record in good] for name in names]
            rejected = [RejectedRow(line, "not a JSON object") for line, record in some if record is None]
            yield Batch(columns, len(good), lines.__getitem__, rejected)


def _records(stream: BinaryIO) -> Callable[[], Iterator[_Numbered]]:
    """Return what yields the records, as often as it is called."""
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
        return lambda: _lines(stream)
    if whole is not None and not second.strip():
        return _opened(whole)
    rest = first + second
    if len(rest) < MAX_DOCUMENT_BYTES:
        rest += stream.read(MAX_DOCUMENT_BYTES - len(rest))
    if len(rest) >= MAX_DOCUMENT_BYTES:
        raise _too_large()
    try:
        return _opened(_loads(rest))
    except ValueError as error:
        raise UnreadableBillError(f"not JSON: {error}") from error


def _opened(document: Any) -> Callable[[], Iterator[_Numbered]]:
    return lambda: enumerate(map(_flat, records_of(document)), 1)


def _too_large() -> UnreadableBillError:
    return UnreadableBillError("a JSON document of over 256 MB; export JSON lines, CSV or parquet instead")


def _is_document(record: _Record) -> bool:
    return isinstance(record.get("data"), (list, dict)) or isinstance(record.get("records"), list)


def _lines(stream: BinaryIO) -> Iterator[_Numbered]:
    stream.seek(0)
    for number, line in enumerate(stream, 1):
        if line.strip():
            try:
                record = _loads(line)
            except ValueError:
                record = None
            yield number, _flat(record) if isinstance(record, dict) else None


def _loads(text: bytes) -> Any:
    try:
        return json.loads(text, parse_float=str, parse_int=str)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _flat(record: _Record) -> _Record:
    found: _Record = {}
    for name, value in record.items():
        if isinstance(value, dict) and not is_tag_map(name):
            found |= {f"{name}.{inner}": cell for inner, cell in _flat(value).items()}
        else:
            found[name] = "" if value is None else str(value) if isinstance(value, bool) else value
    return found
