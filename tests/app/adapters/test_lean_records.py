"""Whatever a producer may write is read: compressed in any way, with headers of any name, in transactions."""

from __future__ import annotations

from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

from app.adapters.lean_records import LeanRecords, _Raw

NO_NAME = b"\xff\xfe"
CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}


class Name(str):
    """A header's name as bytes that no text has."""

    __slots__ = ()

    def encode(self, *_: Any) -> bytes:
        return NO_NAME


def written(first: int, *headers: list[tuple[str, bytes | None]], codec: int = 0, **more: Any) -> bytes:
    """Return a batch of records, each with these headers."""
    settings = {"is_transactional": 0, "producer_id": -1, "producer_epoch": -1, "base_sequence": -1} | more
    builder = _DefaultRecordBatchBuilderPy(magic=2, compression_type=codec, batch_size=1 << 20, **settings)
    for number, each in enumerate(headers):
        builder.append(number, timestamp=7, key=b"key", value=b"value-%d" % (first + number), headers=each)
    batch = bytearray(builder.build())
    batch[:8] = first.to_bytes(8, "big")
    return bytes(batch)


def read(raw: bytes, *, start: int = 0, aborted: list[tuple[int, int]] | None = None) -> list[Any]:
    partition = TopicPartition("usage-metered", 0)
    make: Any = LeanRecords
    records = make(partition, _Raw(raw), aborted, start, None, None, True, 1)
    found = list(records)
    assert not found or records.next_fetch_offset > found[-1].offset
    return found


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("name", ["ce_id", Name("?")], ids=["text", "no-text"])
def test_batches_are_read_however_they_are_compressed(codec: str, name: str) -> None:
    raw = written(0, [], [(name, b"1")], [(name, None), ("ce_type", b"x")], codec=CODECS[codec])
    assert [(one.offset, one.key, one.value) for one in read(raw)] == [(n, b"key", b"value-%d" % n) for n in range(3)]
    assert [len(one.headers) for one in read(raw)] == [0, 1, 2]


def test_what_is_no_text_in_a_header_is_replaced_and_nothing_is_lost_or_read_twice() -> None:
    begin = written(0, [("a", b"1")])
    rest = written(1, [("b", b"2")], [(Name(""), b"3")], []) + written(4, [("c", None)])
    assert [(one.offset, one.headers) for one in read(begin + rest)] == [
        (0, [("a", b"1")]),
        (1, [("b", b"2")]),
        (2, [("\ufffd\ufffd", b"3")]),
        (3, []),
        (4, [("c", None)]),
    ]
    assert [one.offset for one in read(rest, start=3)] == [3, 4]


def test_aborted_transactions_stay_unread() -> None:
    raw = (
        written(0, [("a", b"1")], is_transactional=1, producer_id=5, producer_epoch=0)
        + written(1, [(Name(""), b"2")])
        + written(2, [("b", b"2")], is_transactional=1, producer_id=5, producer_epoch=0)
    )
    assert [one.offset for one in read(raw, aborted=[(5, 0)])] == [1]


def test_a_half_fetched_batch_is_left_for_the_next_fetch() -> None:
    whole, half = written(0, [(Name(""), b"1")]), written(1, [])[:-3]
    assert [one.offset for one in read(whole + half)] == [0]


def test_what_is_damaged_stays_an_error() -> None:
    raw = bytearray(written(0, [("a", b"1")]))
    raw[-1] ^= 1
    with pytest.raises(CorruptRecordException):
        read(bytes(raw))
