"""The distinct users of tenants in one partition of the table `costs`: counted, shown, and forgotten.

| document | name | holds |
|---|---|---|
| `users:<day>` | tenant | how many of its users usage named on the day (epoch seconds) |
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from domain.users import Counted, count, users_of
from tables import costs as table
from tables.tenure import chunks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agents.ports import Tenure
    from domain.users import Seen

    Document = tuple[str, str, bytes | None]

# Sketches remembered of a partition, up to 2 kB each.
MAX_SKETCHES: Final = 5_000


class Users:
    """Counts the users that source partitions tell of."""

    def __init__(self, costs: Tenure) -> None:
        self._costs = costs
        self._known: dict[bytes, Counted] = {}

    async def fold(self, told: Sequence[tuple[int, Seen]]) -> list[Document]:
        """Count those users, each told at an offset of `cost-totals`; return what is to be shown once it is written."""
        counted: dict[bytes, Counted] = {}
        rows: dict[bytes, bytes | None] = {}
        documents: list[Document] = []
        for offset, seen in told:
            key = table.users_key(table.SKETCHES, seen.day, seen.tenant)
            known = counted.get(key) or self._sketch(key)
            now = counted[key] = count(known, seen.users, offset)
            # Told again, it may be that not all of it was written.
            if now is not known or known.version >= offset:
                number = str(now.users).encode()
                rows[key] = table.encode(now)
                rows[table.users_key(table.USERS, seen.day, seen.tenant)] = number
                documents.append((users_of(seen.day), seen.tenant, number))
        for chunk in chunks(rows):
            await self._costs.commit(chunk)
        self._remember(counted)
        return documents

    def _sketch(self, key: bytes) -> Counted | None:
        known = self._known.get(key)
        if known is None and (stored := self._costs.get(key)) is not None:
            known = table.decode_counted(stored)
        return known

    def _remember(self, counted: dict[bytes, Counted]) -> None:
        self._known |= counted
        for key in list(islice(self._known, max(0, len(self._known) - MAX_SKETCHES))):
            del self._known[key]


def shown_users(costs: Tenure) -> Iterator[Document]:
    """Yield all documents of a partition."""
    for key, number in costs.scan(table.USERS):
        yield users_of(table.minute_of(key)), table.tenant_of(key), number


def hidden(key: bytes) -> Document:
    """Return what shows no longer what a row of `USERS` held."""
    return users_of(table.minute_of(key)), table.tenant_of(key), None
