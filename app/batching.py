"""One stream event per partition and fetch: Faust carries batches of records, not records.

Faust's scheduler decides in what order fetched records reach the streams. This one hands over, for the topics
marked as batched, a single pseudo-record whose value is a `Batch` and whose offset is that of the last record.
A batch commits as a whole: see `app.adapters.faust_transport`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from faust.transport.utils import DefaultSchedulingStrategy

from agents.batch import Batch
from app.adapters.fetches import Fetch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from faust.types import TP


class PseudoRecord(NamedTuple):
    """What Faust's consumer reads of a record; it stands for a whole batch."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    timestamp_type: int
    key: None
    value: Batch
    checksum: None
    serialized_key_size: int
    serialized_value_size: int
    headers: tuple[()]


class BatchingScheduler(DefaultSchedulingStrategy):
    """Faust's round robin, with whole fetches for the topics in `batched`."""

    batched: ClassVar[frozenset[str]] = frozenset()

    def iterate(self, records: Mapping[TP, list[Any]]) -> Iterator[tuple[TP, Any]]:
        """Yield `(tp, batch)` for batched topics, then `(tp, record)` round robin for the others."""
        single: dict[TP, list[Any]] = {}
        for tp, messages in records.items():
            if tp.topic not in self.batched:
                single[tp] = messages
            elif messages:
                yield tp, _pseudo_record(tp, messages)
        if single:
            yield from super().iterate(single)


def _pseudo_record(tp: TP, messages: list[Any]) -> PseudoRecord:
    last = messages[-1]
    edges = (messages.start, messages.end) if isinstance(messages, Fetch) else (None, None)
    return PseudoRecord(
        topic=tp.topic,
        partition=tp.partition,
        offset=last.offset,
        timestamp=last.timestamp,
        timestamp_type=last.timestamp_type,
        key=None,
        value=Batch(tp.topic, tp.partition, tuple(messages), *edges),
        checksum=None,
        serialized_key_size=0,
        serialized_value_size=0,
        headers=(),
    )
