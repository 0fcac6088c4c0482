"""Replaying usage from JSON Lines: what each line becomes, and how whole files are sent.

A line is one of three things:

- a CloudEvent (it has `specversion`): sent as it is, keyed by its `id`;
- a plain `data` object (it has `resource_type`): wrapped as a CloudEvent. `id`, `time` and `source` beside
  the data become the envelope's; the data itself is never re-written, so that no digit is lost;
- anything else, JSON or not: sent as it is, so that `dead-letter` tells what was wrong with it.

Replaying the same lines again adds nothing: a plain line without `id` gets one from its content, the time that the
replay gives it if one was asked for, and how many identical lines came before it in this replay. Two rows that are the
same in every byte and come from different replays are therefore one; give them an `id` or a `time` if they are not.
"""

from __future__ import annotations

import asyncio
import gzip
import sys
import zlib
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NamedTuple, Protocol, cast

import msgspec
import xxhash

from domain.rejection import Rejected
from domain.usage import USAGE_METERED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

STDIN: Final = "-"
CHUNK_BYTES: Final = 1 << 20
MAX_REASONS: Final = 5
_REASON_CHARS: Final = 160
SOURCE: Final = "/costguard/replay"
_OVERHEAD_BYTES: Final = 128  # of a record batch with one record
_GZIP_MAGIC: Final = b"\x1f\x8b"
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"

Record = tuple[bytes | None, bytes]
"""Key and value as they go to Kafka."""


class UnreadableFileError(Exception):
    """A file is missing, is not a file, or its compression is damaged; the text names it."""


class Producer(Protocol):
    """What takes the records; see `app.adapters.bulk_producer`."""

    async def send(self, records: Sequence[Record]) -> None:
        """Queue records, waiting when too many are under way."""

    async def flush(self) -> dict[int, int]:
        """Return the last offset of each partition once everything is acknowledged."""


class Sent(NamedTuple):
    """What a replay did: lines sent, lines too large for the broker, last offset by partition."""

    records: int
    too_large: int
    last_offsets: dict[int, int]


class Chunk(NamedTuple):
    """Some lines, and how many bytes were read from disk for them."""

    lines: list[bytes]
    consumed: int


class _Glance(msgspec.Struct):
    """The few fields that decide what a line is; the rest is not decoded."""

    specversion: Any = None
    resource_type: Any = None
    id: Any = None
    time: Any = None
    source: Any = None


_glance = msgspec.json.Decoder(_Glance).decode
_encode = msgspec.json.Encoder().encode


class LineReader:
    """Turns lines into records; remembers the plain lines it has seen (about 60 bytes each)."""

    def __init__(self, default_time: str, *, dated: bool = False) -> None:
        """`default_time`, RFC 3339, is the time of plain objects that name none; part of their ids when `dated`."""
        # All list prices come with it: half a second that no other command, and no `--help`, need wait.
        from domain.codec import decode_metered  # noqa: PLC0415

        self._decode = decode_metered
        self._default_time = default_time
        self._salt = default_time.encode() if dated else b""
        self._dated = dated
        self.undated = 0
        self.unusable = 0
        # Of the first few, as `events.jsonl, line 7: units: missing`.
        self.reasons: list[str] = []
        self._file = ""
        self._line = 0
        self._seen: set[int] = set()
        self._repeated: Counter[int] = Counter()

    def records(self, lines: Iterable[bytes]) -> list[Record]:
        """Return one record per line that is not blank, also of those that are not usable."""
        found = []
        for line in lines:
            self._line += 1
            if text := line.strip().removeprefix(_BYTE_ORDER_MARK):
                record = self._record(text)
                if isinstance(read := self._decode(record[1]), Rejected):
                    self._refuse(read.reason)
                found.append(record)
        return found

    def begin(self, file: str) -> None:
        """Count lines anew: those that come are of another file."""
        self._file, self._line = file, 0

    def _refuse(self, reason: str) -> None:
        self.unusable += 1
        if len(self.reasons) < MAX_REASONS:
            name = "stdin" if self._file == STDIN else self._file
            self.reasons.append(f"{name}, line {self._line:,}: {reason[:_REASON_CHARS]}")

    def _record(self, line: bytes) -> Record:
        try:
            glance = _glance(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None, line
        if glance.specversion is None and isinstance(glance.resource_type, str):
            return self._wrapped(line, glance)
        return _key(glance.id), line

    def _wrapped(self, data: bytes, glance: _Glance) -> Record:
        event_id = self._identity(data, glance) if glance.id is None else glance.id
        envelope = _encode(
            {
                "specversion": "1.0",
                "id": event_id,
                "source": SOURCE if glance.source is None else glance.source,
                "type": USAGE_METERED,
                "time": self._default_time if glance.time is None else glance.time,
                "datacontenttype": "application/json",
            }
        )
        return _key(event_id), b'%s,"data":%s}' % (envelope[:-1], data)

    def _identity(self, data: bytes, glance: _Glance) -> str:
        if glance.time is None and not self._dated:
            self.undated += 1
        digest = xxhash.xxh3_128_intdigest(data if glance.time is not None else self._salt + data)
        if digest not in self._seen:
            self._seen.add(digest)
            return f"{digest:032x}"
        self._repeated[digest] += 1
        return f"{digest:032x}-{self._repeated[digest]}"


def _size(record: Record) -> int:
    key, value = record
    return len(key or b"") + len(value) + _OVERHEAD_BYTES


def _key(event_id: object) -> bytes | None:
    return event_id.encode() if isinstance(event_id, str) else None


def check_files(names: Sequence[str]) -> int | None:
    """Return the bytes to read, None with stdin among them; `UnreadableFileError` before anything is sent."""
    for name in names:
        if name == STDIN or Path(name).is_file():
            continue
        raise UnreadableFileError(f"{name}: {'is a directory' if Path(name).is_dir() else 'no such file'}")
    return None if STDIN in names else sum(Path(name).stat().st_size for name in names)


def chunks(name: str) -> Iterator[Chunk]:
    """Read a file (`-` is stdin), compressed by gzip or not, in chunks of about a megabyte of lines."""
    with _opened(name) as (raw, text):
        position = 0
        try:
            while lines := text.readlines(CHUNK_BYTES):
                now = position if name == STDIN else raw.tell()
                yield Chunk(lines, now - position)
                position = now
        except (OSError, EOFError, zlib.error) as error:
            raise UnreadableFileError(f"{name}: {error}") from error


@contextmanager
def _opened(name: str) -> Iterator[tuple[Any, BinaryIO]]:
    if name == STDIN:
        stdin = sys.stdin.buffer
        yield stdin, unpacked(stdin)
        return
    try:
        raw = Path(name).open("rb")  # noqa: SIM115 - closed below
    except OSError as error:
        raise UnreadableFileError(f"{name}: {error.strerror}") from error
    with raw:
        yield raw, unpacked(raw, packed=name.endswith(".gz"))


def unpacked(raw: Any, *, packed: bool = False) -> BinaryIO:
    """Decompress what is said to be packed, or begins as gzip does: no text does."""
    packed = packed or raw.peek(len(_GZIP_MAGIC)).startswith(_GZIP_MAGIC)
    return cast("BinaryIO", gzip.GzipFile(fileobj=raw) if packed else raw)


async def send_files(
    names: Sequence[str],
    producer: Producer,
    reader: LineReader,
    *,
    max_bytes: int,
    on_read: Callable[[int, int], None] = lambda _bytes, _records: None,
) -> Sent:
    """Send every line of every file in order and wait for the acknowledgements.

    Lines whose record is larger than `max_bytes` are counted, not sent. `on_read(bytes, records)` is called
    after each chunk. Raises `UnreadableFileError`; what was read before it has been sent.
    """
    sent = too_large = 0
    for name in names:
        source = chunks(name)
        reader.begin(name)
        # In a thread: a slow pipe must not hold up the connection to the broker.
        while (chunk := await asyncio.to_thread(next, source, None)) is not None:
            records = reader.records(chunk.lines)
            fitting = [record for record in records if _size(record) <= max_bytes]
            await producer.send(fitting)
            sent += len(fitting)
            too_large += len(records) - len(fitting)
            on_read(chunk.consumed, len(fitting))
    return Sent(sent, too_large, await producer.flush())
