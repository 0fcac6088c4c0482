"""Which rows of a changelog count: every reader decides it alike, from the changelog alone.

Whoever takes a partition over begins a *term*: it appends a fence. The term's number is the fence's offset, and every
row carries the number of the term it was written in. A row counts unless a fence stands between it and that of its
own term: then its writer had lost the partition without knowing it (a long pause), and what it made was never
acknowledged.

A row that does not count still is the newest of its key, and compaction would keep it in place of the one that
counts. So its key is *stale* until a row of a later term is appended.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

Rows = dict[bytes, bytes | None]

FENCE_KEY: Final = b"__costguard\0fence__"
TERM: Final = "term"


@dataclass
class Accepted:
    """What some records of a changelog come to: the rows that count, the fence after them, keys that became stale."""

    fence: int
    rows: Rows = field(default_factory=dict)
    stale: set[bytes] = field(default_factory=set)


def accept(records: Iterable[Any], fence: int) -> Accepted:
    """Read records (key, value, offset, headers) in order; `fence` is the last one before them."""
    accepted = Accepted(fence)
    for record in records:
        if record.key == FENCE_KEY:
            # Early ones carried a number of their own, smaller than any offset.
            accepted.fence = max(accepted.fence, int(record.value) if record.value else record.offset)
        elif (term := _term(record.headers)) >= accepted.fence:
            # Above the fence: compaction has removed that of this term, because there are later ones.
            accepted.fence = term
            accepted.rows[record.key] = record.value
            accepted.stale.discard(record.key)
        else:
            accepted.stale.add(record.key)
    return accepted


def _term(headers: Iterable[tuple[str, bytes]]) -> int:
    """Return the term of a changelog record; 0 for one that says nothing of it."""
    return next((int(value) for name, value in headers if name == TERM), 0)
