"""Bills as files: what kind a file is, by its first bytes; its columns; its records in batches, in constant memory.

CSV (any delimiter, UTF-8 or UTF-16, gzip or zip), parquet, JSON and JSON lines. Cells come out as text, empty for
null, so that no amount passes through a float; lists and maps of JSON and parquet come out as structures.
"""

from __future__ import annotations

import gzip
import zipfile
import zlib
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NamedTuple, Protocol, Self, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

    from domain.billing.header import Header
    from domain.billing.row import RejectedRow

GZIP: Final = b"\x1f\x8b"
ZIP: Final = b"PK\x03\x04"
PARQUET: Final = b"PAR1"
# What macOS adds to an archive.
_RESOURCE_FORKS: Final = "__MACOSX/"
# Every file of Office Open XML (.xlsx) is an archive with this in it.
_WORKBOOK: Final = "[Content_Types].xml"
DAMAGED: Final = (OSError, EOFError, zlib.error, zipfile.BadZipFile)


class UnreadableBillError(Exception):
    """A file is missing, damaged, or of no kind that a bill can be; one sentence that does not repeat its name."""


class Batch(NamedTuple):
    """Some records: cells by column, how many, on which line each began, and the lines that are no records."""

    columns: Sequence[Sequence[Any]]
    length: int
    line_of: Callable[[int], int]
    rejected: Sequence[RejectedRow] = ()


class Table(Protocol):
    """An open file: its columns, and its records."""

    header: Header
    decimal_comma: bool
    """Whether a comma begins the decimals of numbers, as in `1.234,56`."""

    def batches(self, positions: Sequence[int], needed: Sequence[int]) -> Iterator[Batch]:
        """Yield the cells of the columns at `positions`; a record may be short where it lacks none `needed`."""


class _State(NamedTuple):
    """What is another one once a file was written to, or replaced."""

    node: int
    size: int
    written: int


def _state(path: Path) -> _State:
    found = path.stat()
    return _State(found.st_ino, found.st_size, found.st_mtime_ns)


class BillFile:
    """An open bill; a context manager. `consumed` tells how many of the `size` bytes on disk were read."""

    def __init__(self, path: Path) -> None:
        """Open a file and read its columns; raise `UnreadableBillError`."""
        self._open = ExitStack()
        try:
            self._raw = self._open.enter_context(path.open("rb"))
            self._path, self._state = path, _state(path)
            self.size = self._state.size
            self.table = self._table()
        except DAMAGED as error:
            self._open.close()
            raise _unreadable(error) from error
        except BaseException:
            self._open.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def batches(self, positions: Sequence[int], needed: Sequence[int]) -> Iterator[Batch]:
        """Yield the records as `Table.batches` does; raise `UnreadableBillError` where the file is damaged."""
        try:
            yield from self.table.batches(positions, needed)
            if _state(self._path) != self._state:
                raise UnreadableBillError("it was changed while it was read; import it again")
        except DAMAGED as error:
            raise _unreadable(error) from error

    @property
    def consumed(self) -> int:
        """Bytes read from disk so far."""
        return self.size if self._raw.closed else self._raw.tell()

    def _table(self) -> Table:
        # Arrow takes a while to load, and only files of a kind need its reader.
        first = self._raw.read(4)
        self._raw.seek(0)
        if first == PARQUET:
            from app.adapters.billing_parquet import ParquetTable  # noqa: PLC0415

            return ParquetTable(self._raw)
        stream = self._unpacked(first)
        start = _peek(stream)
        if start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
            from app.adapters.billing_json import JsonTable  # noqa: PLC0415

            return JsonTable(stream)
        from app.adapters.billing_csv import CsvTable  # noqa: PLC0415

        return CsvTable(stream)

    def _unpacked(self, first: bytes) -> BinaryIO:
        if first[:2] == GZIP:
            return cast("BinaryIO", self._open.enter_context(gzip.GzipFile(fileobj=self._raw)))
        if first != ZIP:
            return self._raw
        archive = self._open.enter_context(zipfile.ZipFile(self._raw))
        members = [
            name for name in archive.namelist() if not name.endswith("/") and not name.startswith(_RESOURCE_FORKS)
        ]
        if _WORKBOOK in members:
            raise UnreadableBillError("a workbook of a spreadsheet; save its sheet as CSV and import that")
        if len(members) != 1:
            raise UnreadableBillError(f"a zip archive of {len(members)} files; unpack it and import its directory")
        try:
            return cast("BinaryIO", self._open.enter_context(archive.open(members[0])))
        except (RuntimeError, NotImplementedError) as error:  # a password, a method that zipfile does not know
            raise UnreadableBillError(f"a zip archive that cannot be opened: {error}") from error


def _unreadable(error: Exception) -> UnreadableBillError:
    return UnreadableBillError(getattr(error, "strerror", None) or str(error))


def _peek(stream: BinaryIO) -> bytes:
    start = stream.read(64)
    stream.seek(0)
    return start
