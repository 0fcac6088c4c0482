"""A fetch says where it began and ended, whatever compaction has left of Kafka's batches."""

from __future__ import annotations

import struct
from types import SimpleNamespace
from typing import Any

from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import PartitionRecords
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords

from app.adapters.fetches import Fetch, StartedResult, Void, void_of

HERE = TopicPartition("changelog", 0)
LAST_OFFSET_DELTA = struct.Struct(">i")
AT_LAST_OFFSET_DELTA = 23


class State:
    """A partition in the consumer's assignment."""

    paused = False

    def __init__(self, position: int) -> None:
        self.position = position

    def consumed_to(self, position: int) -> None:
        self.position = position


def stored(base: int, offsets: list[int], last: int) -> bytes:
    """Return a batch as a broker stores it: it began at `base` and ended at `last` before it was compacted."""
    builder: Any = DefaultRecordBatchBuilder(
        2, 0, is_transactional=0, producer_id=-1, producer_epoch=-1, base_sequence=-1, batch_size=9999
    )
    for offset in offsets:
        builder.append(offset - base, timestamp=1, key=b"k", value=b"v", headers=[])
    batch = bytearray(builder.build())
    batch[:8] = base.to_bytes(8, "big")
    LAST_OFFSET_DELTA.pack_into(batch, AT_LAST_OFFSET_DELTA, last - base)
    return bytes(batch)


def fetched(position: int, *batches: bytes) -> tuple[StartedResult, State]:
    state = State(position)
    unread: Any = PartitionRecords(
        HERE,
        MemoryRecords(b"".join(batches)),
        aborted_transactions=None,
        fetch_offset=position,
        key_deserializer=None,
        value_deserializer=None,
        check_crcs=False,
        isolation_level=0,
    )
    assignment = SimpleNamespace(active=True, state_value=lambda _: state)
    make: Any = StartedResult  # aiokafka has no types
    return make(HERE, assignment=assignment, partition_records=unread, backoff=0), state


def test_a_fetch_reaches_from_where_the_consumer_stood_to_the_end_of_the_last_batch() -> None:
    result, state = fetched(4, stored(7, [8, 10], last=12))
    found = result.getall()
    assert isinstance(found, Fetch)
    assert ([record.offset for record in found], found.start, found.end) == ([8, 10], 4, 13)
    assert state.position == 13


def test_fetches_that_are_taken_in_pieces_continue_each_other() -> None:
    result, _ = fetched(0, stored(0, [0, 2], last=4), stored(5, [7], last=9))
    pieces: Any = [result.getall(1), result.getall(1), result.getall(1)]
    assert [(piece.start, piece.end) for piece in pieces] == [(0, 1), (1, 3), (3, 8)]


def test_a_fetch_of_nothing_but_emptied_batches_leaves_a_void() -> None:
    result, state = fetched(3, stored(3, [], last=5), stored(6, [], last=9))
    assert list(result.getall()) == []
    assert void_of(state) == Void(3, 10)
