"""What the API needs from outside, as protocols; `serve` provides it, tests fake it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from domain.rejection import Rejected
from domain.usage import UsageEvent

if TYPE_CHECKING:
    from app.adapters.cost_lines import Sheet
    from app.adapters.redis_view import Marks, Part
    from domain.cells import CostRow
    from domain.windows import Window

Clock = Callable[[], float]
ValidateUsage = Callable[[bytes], UsageEvent | Rejected]
# Asks the broker how many partitions each of our topics has; raises when it does not answer.
PartitionCounts = Callable[[], Awaitable[Mapping[str, int]]]
NewId = Callable[[], str]


class View(Protocol):
    """The materialised view that workers write; calls raise `RedisError` when it is away."""

    async def rows(self, projection: str, windows: Sequence[Window]) -> list[CostRow]:
        """Return the lines of a projection in these windows."""

    async def sheets(self, projection: str, windows: Sequence[Window]) -> list[Sheet]:
        """Return the same lines as they are spelled: one sheet per window, in their order."""

    async def standing(self, kinds: Sequence[str], parts: Sequence[Part]) -> tuple[list[dict[str, bytes]], Marks]:
        """Return the documents of kinds, and a mark of each window of a projection, all of one moment.

        The mark is another one whenever the window's lines have changed, and None while there are none.
        """

    async def documents(self, kind: str) -> dict[str, bytes]:
        """Return the JSON documents of a kind, by field."""

    async def document(self, kind: str, name: str) -> bytes | None:
        """Return one JSON document of a kind; None when there is none."""

    async def documents_of(self, kinds: Sequence[str]) -> list[dict[str, bytes]]:
        """Return the documents of several kinds, in their order."""

    async def dead_letters(self, limit: int, skip: int = 0) -> list[bytes]:
        """Return dead letters, newest first, after so many newer ones."""

    async def exists_many(self, names: Sequence[str]) -> list[bool]:
        """Tell which names are remembered."""

    async def remember(self, names: Sequence[str], seconds: int) -> None:
        """Remember names for a time."""

    async def ping(self) -> bool:
        """Tell whether the view answers."""


class Publisher(Protocol):
    """Writes to Kafka; raises whatever its client raises when the broker is away."""

    async def send_many(
        self, topic: str, records: Sequence[tuple[bytes | None, bytes | None, int | None]]
    ) -> Sequence[tuple[int, int]]:
        """Send `(key, value, partition or None)` records, and return when they are acknowledged."""
