"""Text of bills as UTF-8 with newlines, whatever wrote it.

What is neither UTF-8 nor UTF-16 is read as Windows-1252, in which spreadsheets of Western Europe save: only names and
tags can depend on it.
"""

from __future__ import annotations

import codecs
import re
from typing import BinaryIO, Final, cast

from app.adapters.billing_files import UnreadableBillError

# A header is shorter than this.
_LOOKED_AT: Final = 1 << 16
_WIDE: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_LEGACY: Final = "Windows-1252"
_BINARY: Final = re.compile(rb"[\x00-\x08\x0e-\x1f\x81\x8d\x8f\x90\x9d]")


def as_utf8(stream: BinaryIO) -> BinaryIO:
    """Return a stream that reads as UTF-8, and of which the lines end with newlines."""
    start = stream.read(_LOOKED_AT)
    stream.seek(0)
    if start[:2] in _WIDE:
        return cast("BinaryIO", _Recoded(stream, "UTF-16"))
    if b"\r" in start and b"\n" not in start:
        stream = cast("BinaryIO", _LinesOfReturns(stream))
    return cast("BinaryIO", _Recoded(stream, _LEGACY)) if _is_legacy(start) else stream


def _is_legacy(start: bytes) -> bool:
    """Tell whether text is no UTF-8: bytes above ASCII that do not fit, and none that only a binary file has."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return not _BINARY.search(start)
    return False


class _Recoded:
    """A stream of another encoding read as UTF-8."""

    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        # Not `TextIOWrapper`: it closes the stream as it goes, which somebody else may be asking for its position.
        self._stream = stream
        self._encoding = encoding
        self._decoder = codecs.getincrementaldecoder(encoding)()

    def read(self, size: int) -> bytes:
        try:
            while data := self._stream.read(size):
                if text := self._decoder.decode(data):
                    return text.encode()
            return self._decoder.decode(b"", final=True).encode()
        except UnicodeError:
            raise UnreadableBillError(f"it begins as {self._encoding} text, and is damaged further on") from None


class _LinesOfReturns:
    """A stream whose lines end with a carriage return alone, as old spreadsheets write them."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def read(self, size: int) -> bytes:
        return self._stream.read(size).replace(b"\r", b"\n")
