"""The rows of one partition on disk, with the changelog position and the fence that they belong to."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from faust.stores.rocksdb import Store
from rocksdict import WriteBatch

from tables.terms import FENCE_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

OFFSET_KEY: Final = Store.offset_key
NOWHERE: Final = -1
# Most prefixes have few rows, some have very many.
_SCANNED_FIRST: Final = 50
_SCANNED_AT_ONCE: Final = 500


class Disk:
    """Reads and writes a RocksDB; `open_` returns it, opened at the first call.

    Nothing holds on to the database between two calls, an iterator least of all: Faust closes one by forgetting it.
    """

    def __init__(self, open_: Callable[[], Any]) -> None:
        self._open = open_

    def get(self, key: bytes) -> bytes | None:
        """Return one row, or None."""
        row: bytes | None = self._open().get(key)
        return row

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return rows in the order of their keys, None for what is not there; cheaper than one by one."""
        rows: list[bytes | None] = self._open().get(list(keys))
        return rows

    def scan(self, prefix: bytes = b"", start: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Iterate over the rows whose key starts with `prefix`, in key order, from `start` on, as they are by then."""
        start = max(prefix, start)
        at_once = min(_SCANNED_FIRST, _SCANNED_AT_ONCE)
        while True:
            some = list(islice(self._open().items(from_key=start or None), at_once))
            for key, value in some:
                if not key.startswith(prefix):
                    return
                if key not in (OFFSET_KEY, FENCE_KEY):
                    yield key, value
            if len(some) < at_once:
                return
            start = some[-1][0] + b"\0"
            at_once = _SCANNED_AT_ONCE

    @property
    def position(self) -> int:
        """Offset of the last changelog record that is written here; `NOWHERE` before the first."""
        stored = self.get(OFFSET_KEY)
        return NOWHERE if stored is None else int(stored)

    @property
    def fence(self) -> int:
        """Offset of the last fence before the position."""
        stored = self.get(FENCE_KEY)
        return 0 if stored is None else int(stored)

    def write(self, rows: Mapping[bytes, bytes | None], offset: int, fence: int) -> None:
        """Write rows, position and fence together; None deletes a row."""
        batch = WriteBatch(raw_mode=True)
        for key, value in rows.items():
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        batch.put(OFFSET_KEY, str(offset).encode())
        batch.put(FENCE_KEY, str(fence).encode())
        self._open().write(batch)
