"""Fetched records as aiokafka's decoder makes them, without a second object around each, whatever a producer wrote.

aiokafka wraps every record in a `ConsumerRecord` of eleven fields; our agents read the offset, key, value and headers,
which the decoder's own record has. That is half of what unpacking costs. And its decoder gives up at a header whose
name is not UTF-8, which Kafka does not forbid: nothing behind such a record could ever be read. `install` is for
processes of ours whose consumers are all ours: it replaces the wrapper for every consumer of the process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

if TYPE_CHECKING:
    from collections.abc import Iterator

# Of a batch of any format: offset (8 bytes), length of what follows (4), and behind four more its format.
_HEAD: Final = 12
_FORMAT_AT: Final = 16
_RECORD_BATCHES: Final = 2


class _Raw(MemoryRecords):  # type: ignore[misc,valid-type]
    """Fetched batches, the last of which can be read again."""

    def __init__(self, raw: bytes) -> None:
        super().__init__(raw)
        self._raw = raw
        self._handed = 0

    def next_batch(self) -> Any:
        self._handed += 1
        return super().next_batch()

    def from_last(self) -> _LenientRecords:
        """Return the same batches from the one on that was handed over last."""
        records = _LenientRecords(self._raw)
        for _ in range(self._handed - 1):
            records.next_batch()
        return records


class _AnyText(bytearray):
    """Bytes that are text in any case: what is not UTF-8 is replaced."""

    def __getitem__(self, at: Any) -> Any:
        found = super().__getitem__(at)
        return _AnyText(found) if isinstance(at, slice) else found

    def decode(self, encoding: str = "utf-8", errors: str = "replace") -> str:
        return super().decode(encoding, errors)


class _LenientBatch(_DefaultRecordBatchPy):  # type: ignore[misc] # final for no reason that we could hurt
    """A batch whose headers may have any name; aiokafka's Python decoder, which asks its buffer to decode names."""

    def __iter__(self) -> Any:
        super().__iter__()
        self._buffer = _AnyText(self._buffer)
        return self


class _LenientRecords:
    """Fetched batches, read in Python: slower, and whatever their headers are named."""

    def __init__(self, raw: bytes) -> None:
        self._raw = memoryview(raw)

    def has_next(self) -> bool:
        return len(self._raw) >= _HEAD and len(self._raw) >= self._length()

    def next_batch(self) -> Any:
        batch, self._raw = self._raw[: self._length()], self._raw[self._length() :]
        if batch[_FORMAT_AT] < _RECORD_BATCHES:
            return MemoryRecords(bytes(batch)).next_batch()
        return _LenientBatch(batch)

    def _length(self) -> int:
        return _HEAD + int.from_bytes(self._raw[_HEAD - 4 : _HEAD], "big")


class LeanRecords(fetcher.PartitionRecords):
    """The records of one partition in one fetch response, not wrapped, not deserialised."""

    def __iter__(self) -> Iterator[Any]:
        """Return the generator itself, instead of calling it through one more method per record."""
        records: Iterator[Any] = self._records_iterator
        return records

    def _unpack_records(self) -> Iterator[Any]:
        try:
            yield from super()._unpack_records()  # type: ignore[no-untyped-call]
        except (UnicodeDecodeError, CorruptRecordException):
            if not isinstance(self._records, _Raw):
                raise
            # Of the batch that failed, `next_fetch_offset` tells what was handed over already.
            self._records = self._records.from_last()
            yield from super()._unpack_records()  # type: ignore[no-untyped-call]

    def _consumer_record(self, tp: Any, record: Any) -> Any:
        del tp
        return record


def install() -> None:
    """Give records unwrapped to every consumer that this process starts."""
    fetcher.MemoryRecords = _Raw  # type: ignore[attr-defined]
    fetcher.PartitionRecords = LeanRecords  # type: ignore[misc]
