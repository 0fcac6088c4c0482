"""Lines to records, and files to a producer."""

from __future__ import annotations

import gzip
import io
import sys
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.replay import (
    CHUNK_BYTES,
    SOURCE,
    LineReader,
    Record,
    Sent,
    UnreadableFileError,
    check_files,
    chunks,
    send_files,
)
from domain.usage import USAGE_METERED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NOW = "2026-11-01T12:00:00Z"
EVENT = orjson.dumps({"specversion": "1.0", "id": "e1", "source": "/s", "type": USAGE_METERED, "time": NOW, "data": {}})
DATA = b'{"tenant": "acme", "resource_type": "compute.cpu_seconds", "units": 0.12345678901234567890123}'


class FakeProducer:
    """Keeps the records; every partition's last offset is the count so far."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    async def send(self, records: Sequence[Record]) -> None:
        self.records.extend(records)

    async def flush(self) -> dict[int, int]:
        return {0: len(self.records) - 1}


async def send(*names: str, max_bytes: int = 1_000_000) -> tuple[Sent, list[Record]]:
    producer = FakeProducer()
    sent = await send_files(names, producer, LineReader(NOW), max_bytes=max_bytes)
    return sent, producer.records


def only(line: bytes) -> Record:
    (record,) = LineReader(NOW).records([line])
    return record


def envelope_of(line: bytes) -> dict[str, Any]:
    envelope: dict[str, Any] = orjson.loads(only(line)[1])
    return envelope


def test_a_cloudevent_is_sent_as_it_is_keyed_by_its_id() -> None:
    assert only(EVENT + b"\r\n") == (b"e1", EVENT)


def test_a_plain_object_is_wrapped_without_touching_its_digits() -> None:
    key, value = only(DATA)
    assert value.endswith(b'"data":' + DATA + b"}")
    envelope = orjson.loads(value)
    assert envelope["id"].encode() == key
    assert (envelope["specversion"], envelope["type"], envelope["source"]) == ("1.0", USAGE_METERED, SOURCE)
    assert envelope["data"]["tenant"] == "acme"


def test_a_plain_object_without_time_happens_when_the_replay_says() -> None:
    assert envelope_of(DATA)["time"] == NOW


def test_id_time_and_source_beside_the_data_become_the_envelopes() -> None:
    line = b'{"id":"a","time":"2026-01-01T00:00:00Z","source":"/x","resource_type":"compute.requests","units":1}'
    envelope = envelope_of(line)
    assert (envelope["id"], envelope["time"], envelope["source"]) == ("a", "2026-01-01T00:00:00Z", "/x")


def test_a_time_that_is_not_text_is_left_for_the_dead_letter_to_explain_not_replaced() -> None:
    envelope = envelope_of(b'{"time": 1767225600, "resource_type": "compute.requests", "units": 1}')
    assert envelope["time"] == 1767225600


@pytest.mark.parametrize(
    "line", [b"not json", b"[]", b"42", b'{"id": "x", "half":', b"\xff\xfe", b"[" * 10_000, b'{"a": NaN}']
)
def test_a_line_that_is_no_event_is_sent_as_it_is(line: bytes) -> None:
    assert only(line) == (None, line)


def test_an_object_that_is_neither_event_nor_data_keeps_its_id_as_key() -> None:
    assert only(b'{"id": "x"}') == (b"x", b'{"id": "x"}')


def test_blank_lines_and_a_byte_order_mark_are_nothing() -> None:
    assert LineReader(NOW).records([b"\xef\xbb\xbf" + EVENT, b"\n", b"  \r\n"]) == [(b"e1", EVENT)]


def test_identical_lines_of_one_replay_are_different_events() -> None:
    keys = [key for key, _ in LineReader(NOW).records([DATA, DATA, DATA + b"\n"])]
    assert len(set(keys)) == 3


@given(
    st.lists(st.sampled_from([DATA, DATA.replace(b"acme", b"globex"), EVENT]), max_size=20),
    st.integers(0, 20),
)
def test_replaying_the_same_lines_again_gives_the_same_ids_wherever_chunks_end(lines: list[bytes], cut: int) -> None:
    whole, halves = LineReader(NOW), LineReader("2030-01-01T00:00:00Z")
    first = [key for key, _ in whole.records(lines)]
    again = [key for part in (lines[:cut], lines[cut:]) for key, _ in halves.records(part)]
    assert first == again


async def test_files_are_sent_in_order_plain_and_gzipped(tmp_path: Path) -> None:
    plain, packed = tmp_path / "a.jsonl", tmp_path / "b.jsonl.gz"
    plain.write_bytes(EVENT + b"\n")
    packed.write_bytes(gzip.compress(EVENT.replace(b"e1", b"e2") + b"\nrubbish"))
    sent, records = await send(str(plain), str(packed))
    assert [key for key, _ in records] == [b"e1", b"e2", None]
    assert sent == Sent(records=3, too_large=0, last_offsets={0: 2})


@pytest.mark.parametrize("content", [EVENT + b"\n" + DATA, gzip.compress(EVENT + b"\n" + DATA, mtime=0)])
async def test_stdin_is_read_to_its_end_packed_or_not(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(content))))
    _, records = await send("-")
    assert len(records) == 2


async def test_a_line_too_large_for_the_broker_is_counted_and_the_rest_is_sent(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(b"x" * 2000 + b"\n" + EVENT)
    sent, records = await send(str(file), max_bytes=1000)
    assert (sent.too_large, [key for key, _ in records]) == (1, [b"e1"])


def test_progress_adds_up_to_the_size_of_the_file(tmp_path: Path) -> None:
    lines = (EVENT + b"\n") * (3 * CHUNK_BYTES // len(EVENT))
    plain, packed = tmp_path / "a.jsonl", tmp_path / "b.jsonl.gz"
    plain.write_bytes(lines)
    packed.write_bytes(gzip.compress(lines))
    for file in (plain, packed):
        read = list(chunks(str(file)))
        assert len(read) >= 3
        assert sum(chunk.consumed for chunk in read) == file.stat().st_size == check_files([str(file)])
        assert b"".join(line for chunk in read for line in chunk.lines) == lines


def test_the_same_line_of_two_replays_is_one_event_unless_it_is_given_a_time() -> None:
    first, again = LineReader(NOW), LineReader(NOW)
    assert first.records([DATA]) == again.records([DATA])
    assert first.undated == 1
    monday, tuesday = LineReader("2026-11-02T00:00:00Z", dated=True), LineReader("2026-11-03T00:00:00Z", dated=True)
    assert monday.records([DATA])[0][0] != tuesday.records([DATA])[0][0]
    assert monday.undated == 0


def test_a_missing_file_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match=r"nowhere\.jsonl: no such file"):
        check_files(["-", str(tmp_path / "nowhere.jsonl")])


@pytest.mark.parametrize(
    "damage", [b"not gzip", gzip.compress(EVENT * 100, mtime=0)[:-9], b"\x1f\x8b\x08\x00" + b"\xff" * 40]
)
def test_damaged_compression_is_told_by_file(tmp_path: Path, damage: bytes) -> None:
    file = tmp_path / "a.jsonl.gz"
    file.write_bytes(damage)
    with pytest.raises(UnreadableFileError, match=r"a\.jsonl\.gz"):
        list(chunks(str(file)))


def test_a_stream_of_unknown_length_has_no_size() -> None:
    assert check_files(["-"]) is None


async def test_lines_that_cannot_be_used_are_told_by_file_and_line_and_sent_all_the_same(tmp_path: Path) -> None:
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    first.write_bytes(b"\n".join([DATA, b"", b"timestamp,value", DATA]))
    second.write_bytes(b"\n".join([*[EVENT] * 9, DATA]))
    producer, reader = FakeProducer(), LineReader(NOW)
    sent = await send_files([str(first), str(second)], producer, reader, max_bytes=1_000)
    assert (sent.records, reader.unusable) == (13, 10)
    assert reader.reasons[0].startswith(f"{first}, line 3: not JSON")
    assert [reason.split(":")[0] for reason in reader.reasons[1:]] == [f"{second}, line {n}" for n in range(1, 5)]
    assert all("resource_type" in reason for reason in reader.reasons[1:])
