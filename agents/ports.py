"""What the streams need from outside, as protocols; `app` provides it, tests fake it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from domain.cost_rows import Projected

    Outgoing = tuple[bytes | None, bytes | None, int | None]
    Clock = Callable[[], float]
    # When a partition was seen at its end, with all of it handled (epoch seconds); None when it is not.
    Ends = Callable[[int], float | None]


class Record(Protocol):
    """One Kafka record as the consumer fetched it; its batch tells where from."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class Publisher(Protocol):
    """Sends records and returns when the broker has acknowledged them."""

    async def send_many(self, topic: str, records: Sequence[Outgoing]) -> Sequence[tuple[int, int]]:
        """Send `(key, value, partition or None)` records; return `(partition, offset)` of each, acknowledged."""


class Tenure(Protocol):
    """One partition of a table while this worker owns it; calls raise `PartitionLostError` from then on.

    What is kept in memory of a partition is valid for as long as `held`. See `tables.tenure`.
    """

    @property
    def held(self) -> bool:
        """Whether the worker still owns it, without a break."""

    @property
    def position(self) -> int:
        """Grows with every commit, whoever owns the partition."""

    def get(self, key: bytes) -> bytes | None:
        """Return a row or None."""

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return rows in the order of their keys, None for what is not there."""

    def scan(self, prefix: bytes = b"", start: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Iterate rows whose key starts with `prefix`, in key order, from `start` on."""

    async def commit(self, rows: Mapping[bytes, bytes | None]) -> None:
        """Write rows atomically; None deletes."""

    async def delete(self, keys: Iterable[bytes]) -> None:
        """Delete rows, some at a time."""


class Table(Protocol):
    """Rows of the partitions that this worker owns; see `tables.ledger`."""

    @property
    def epoch(self) -> int:
        """Number of recoveries so far."""

    def owned(self) -> frozenset[int]:
        """Partitions assigned to this worker and recovered."""

    def tenure(self, partition: int) -> Tenure:
        """Return one of them; raises `PartitionLostError` for any other."""

    def tenures(self) -> Sequence[tuple[int, Tenure]]:
        """Return all of them, by number."""


class View(Protocol):
    """The materialised view in Redis, written behind: calls return at once and never fail."""

    def costs(self, partition: int, rows: Projected, position: int) -> None:
        """Show these costs of one owner partition of `cost-totals`, as they are at a position of its table."""

    async def room(self) -> None:
        """Wait until few enough rows wait to be written; for who has many to show."""

    def progress(self, name: str, document: bytes) -> None:
        """Say how far this worker is (`meter:{partition}`, `rollup:{partition}`, `anomaly`)."""

    def document(self, kind: str, name: str, document: bytes | None) -> None:
        """Show a JSON document (`budgets`, `flags`, `anomalies`, `workers`); None removes it."""
