"""Files of bills: kinds told by their bytes, cells as text, lines named, damage refused."""

from __future__ import annotations

import codecs
import gzip
import io
import json
import zipfile
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.adapters import billing_csv, billing_json
from app.adapters.billing_files import BillFile, UnreadableBillError
from app.adapters.billing_json import JsonTable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TEXT = 'a,b,c\n1,"x\ny",2\n\n3,"say ""hi""",4\n'


def content(path: Path, needed: list[int] | None = None) -> tuple[list[str], list[tuple[Any, ...]], list[int]]:
    """Return header, records and the lines on which they begin."""
    records, lines = [], []
    with BillFile(path) as bill:
        positions = list(range(len(bill.table.header.names)))
        for batch in bill.batches(positions, needed or []):
            records += list(zip(*batch.columns, strict=True))
            lines += [batch.line_of(i) for i in range(batch.length)]
        assert 0 < bill.consumed <= bill.size
        return list(bill.table.header.names), records, lines


def rejected(path: Path, needed: list[int]) -> list[tuple[int, str]]:
    with BillFile(path) as bill:
        positions = list(range(len(bill.table.header.names)))
        return [(row.line, row.reason) for batch in bill.batches(positions, needed) for row in batch.rejected]


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def zipped(path: Path, data: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("bill.csv", data)
    return path


WRITERS: dict[str, Callable[[Path], Path]] = {
    "plain": lambda path: write(path, TEXT.encode()),
    "with a byte order mark": lambda path: write(path, codecs.BOM_UTF8 + TEXT.encode()),
    "with carriage returns alone": lambda path: write(path, TEXT.replace("\n", "\r").encode()),
    "utf-16": lambda path: write(path, TEXT.encode("utf-16")),
    "gzip": lambda path: write(path, gzip.compress(TEXT.encode())),
    "zip": lambda path: zipped(path, TEXT.encode()),
    "crlf": lambda path: write(path, TEXT.replace("\n", "\r\n").replace("x\r\ny", "x\ny").encode()),
    "no newline at the end": lambda path: write(path, TEXT.rstrip().encode()),
    "semicolons": lambda path: write(path, TEXT.replace(",", ";").encode()),
    "tabs": lambda path: write(path, TEXT.replace(",", "\t").encode()),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_csv_is_the_same_however_it_is_packed_and_lines_are_those_of_the_file(kind: str, tmp_path: Path) -> None:
    header, records, lines = content(WRITERS[kind](tmp_path / "file"))
    assert header == ["a", "b", "c"]
    assert records == [("1", "x\ny", "2"), ("3", 'say "hi"', "4")]
    assert lines == [2, 5]


@pytest.mark.parametrize(
    ("before", "lines"),
    [("Usage report\n\nPeriod,2026-09\n", [5, 8]), ("sep=,\n", [3, 6]), ("\n", [3, 6])],
)
def test_lines_before_the_columns_are_passed_over(before: str, lines: list[int], tmp_path: Path) -> None:
    header, records, found = content(write(tmp_path / "file", (before + TEXT).encode()))
    assert (header, found) == (["a", "b", "c"], lines)
    assert records == [("1", "x\ny", "2"), ("3", 'say "hi"', "4")]


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_semicolons_part_cells_whose_numbers_have_commas(delimiter: str, tmp_path: Path) -> None:
    with BillFile(write(tmp_path / "file", f"sep={delimiter}\n{TEXT.replace(',', delimiter)}".encode())) as bill:
        assert bill.table.header.names == ("a", "b", "c")
        assert bill.table.decimal_comma is (delimiter == ";")


def test_what_is_no_utf_8_is_read_as_spreadsheets_of_western_europe_write_it(tmp_path: Path) -> None:
    _, records, _ = content(write(tmp_path / "file", "a,b,c\n1,Données 5 €,3\n".encode("cp1252")))
    assert records == [("1", "Données 5 €", "3")]


@given(
    st.lists(st.lists(st.text(st.sampled_from('ab,"\n é'), max_size=6), min_size=2, max_size=2), max_size=40),
    st.integers(8, 64),
)
def test_blocks_end_between_records_wherever_they_are_cut(
    tmp_path_factory: pytest.TempPathFactory, records: list[list[str]], size: int
) -> None:
    quoted = [",".join('"' + cell.replace('"', '""') + '"' for cell in record) for record in records]
    path = write(tmp_path_factory.mktemp("csv") / "file.csv", "\n".join(['"a","b"', *quoted, ""]).encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(billing_csv, "BLOCK_BYTES", size)
        found = content(path)
    assert [list(record) for record in found[1]] == records
    starts = [2 + sum(line.count("\n") + 1 for line in quoted[:i]) for i in range(len(quoted))]
    assert found[2] == starts


def test_only_wanted_columns_are_made(tmp_path: Path) -> None:
    with BillFile(write(tmp_path / "file", TEXT.encode())) as bill:
        (batch,) = bill.batches([2, 0], [])
    assert [list(column) for column in batch.columns] == [["2", "4"], ["1", "3"]]


def test_a_record_of_a_wrong_length_is_rejected_with_its_line_and_takes_no_other_with_it(tmp_path: Path) -> None:
    path = write(tmp_path / "file", b"a,b,c\n1,2,3\n\n4\n5,6,7,8\n9,9,9\n")
    assert rejected(path, [1]) == [(4, "has 1 fields, the header has 3"), (5, "has 4 fields, the header has 3")]
    assert content(path, [1])[1:] == ([("1", "2", "3"), ("9", "9", "9")], [2, 6])


def test_a_short_record_is_used_when_it_lacks_nothing_that_is_needed(tmp_path: Path) -> None:
    path = write(tmp_path / "file", b"a,b,c,d\n1,2\n1,2,3,4,,\n")
    assert content(path, [0])[1] == [("1", "2", "", ""), ("1", "2", "3", "4")]
    # Its last cell may be half of what it was.
    assert rejected(path, [1]) == [(2, "has 2 fields, the header has 4")]


def test_a_file_that_ends_within_a_record_is_damaged(tmp_path: Path) -> None:
    path, regular = tmp_path / "file", b"a,b,c,d,e,f\n1,2,3,4,5,6\n"
    with pytest.raises(UnreadableBillError, match="ends in the middle of line 3"):
        rejected(write(path, regular + b"1,2,3,4"), [5])
    for whole, cells in ((b"1,2,3,4\n", 4), (b"Total,21", 2)):
        assert rejected(write(path, regular + whole), [5]) == [(3, f"has {cells} fields, the header has 6")]


def test_a_record_that_is_cut_off_at_the_end_of_the_file_is_rejected(tmp_path: Path) -> None:
    assert rejected(write(tmp_path / "file", b"a,b,c,d\n1,2,3,4\n1,2"), [0]) == [(3, "has 2 fields, the header has 4")]


def test_parquet_is_text_to_the_last_digit_and_structs_have_dots(tmp_path: Path) -> None:
    table = pa.table(
        {
            "cost": [0.1, None],
            "exact": pa.array(["1.10", None]).cast(pa.decimal128(20, 10)),
            "at": pa.array([datetime(2026, 6, 1, tzinfo=UTC), None], pa.timestamp("ns", "UTC")),
            "service": [{"id": "x"}, None],
            "tags": pa.array([[("team", "search")], None], pa.map_(pa.string(), pa.string())),
            "credits": [[{"amount": -0.25}], []],
        }
    )
    pq.write_table(table, tmp_path / "file")
    header, records, lines = content(tmp_path / "file")
    assert header == ["cost", "exact", "at", "service.id", "tags", "credits"]
    assert records == [
        ("0.1", "1.1000000000", "2026-06-01T00:00:00+00:00", "x", {"team": "search"}, [{"amount": -0.25}]),
        ("", "", "", "", "", []),
    ]
    assert lines == [1, 2]


def test_objects_of_tags_are_one_cell_in_json_and_parquet(tmp_path: Path) -> None:
    record = {"cost": "1", "Tags": {"team": "search"}}
    pq.write_table(pa.Table.from_pylist([record]), tmp_path / "parquet")
    written = write(tmp_path / "json", json.dumps(record).encode())
    for path in (tmp_path / "parquet", written):
        assert content(path) == (["cost", "Tags"], [("1", {"team": "search"})], [1])


def test_records_in_an_envelope_are_opened(tmp_path: Path) -> None:
    text = json.dumps({"version": "1.0", "records": [{"cost": "1"}, {"cost": "2"}]})
    assert content(write(tmp_path / "file", text.encode()))[:2] == (["cost"], [("1",), ("2",)])


RECORDS = [{"id": 1, "cost": 0.1000000000000000055, "project": {"id": "p", "labels": [{"key": "a"}]}}, {"id": 2}]
NUMBERS = json.dumps(RECORDS).replace("0.1,", "0.1000000000000000055,")


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(json.dumps(record).replace("0.1,", "0.1000000000000000055,") for record in RECORDS),
        NUMBERS,
        json.dumps(RECORDS, indent=1).replace("0.1,", "0.1000000000000000055,"),
    ],
    ids=["lines", "array", "indented"],
)
def test_json_is_text_to_the_last_digit_as_lines_and_as_an_array(text: str, tmp_path: Path) -> None:
    header, records, lines = content(write(tmp_path / "file", text.encode()))
    assert header == ["id", "cost", "project.id", "project.labels"]
    assert records == [("1", "0.1000000000000000055", "p", [{"key": "a"}]), ("2", "", "", "")]
    assert lines == [1, 2]


def test_a_column_that_only_the_last_record_names_is_there(tmp_path: Path) -> None:
    text = "\n" + '{"a": 1}\n' * 5000 + '{"a": 1, "b": {"c": 2}}\n'
    header, records, lines = content(write(tmp_path / "file", text.encode()))
    assert (header, records[-1], lines[0], lines[-1]) == (["a", "b.c"], ("1", "2"), 2, 5002)
    assert content(write(tmp_path / "file.gz", gzip.compress(text.encode()))) == (header, records, lines)


def test_a_line_that_is_no_json_is_rejected_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path / "file", b'{"a": 1}\n{"a": \n[1]\n{"a": 2}\n')
    assert rejected(path, []) == [(2, "not a JSON object"), (3, "not a JSON object")]
    assert content(path)[2] == [1, 4]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"a,\xff\x00\n", "UTF-8"),
        (b"{", "not JSON"),
        (b"[" * 200_000, "nested too deeply"),
        ("a,b\n1,2\n".encode("utf-16") + b"\x00", "UTF-16 text, and is damaged"),
        (gzip.compress(TEXT.encode(), mtime=0)[:-12], "end-of-stream"),
        (b"PAR1 is not enough", "parquet"),
        (b"PK\x03\x04", "zip"),
    ],
)
def test_what_is_no_bill_is_refused_with_the_reason(data: bytes, why: str, tmp_path: Path) -> None:
    path = write(tmp_path / "file", data)
    with pytest.raises(UnreadableBillError, match=why):
        content(path)


def test_an_archive_with_a_password_is_refused_and_what_a_mac_adds_is_passed_over(tmp_path: Path) -> None:
    path = zipped(tmp_path / "bill.zip", TEXT.encode())
    locked = bytearray(path.read_bytes())
    for offset in (6, locked.find(b"PK\x01\x02") + 8):
        locked[offset] |= 1
    with pytest.raises(UnreadableBillError, match="password"):
        content(write(tmp_path / "locked.zip", bytes(locked)))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("__MACOSX/._bill.csv", "x")
    assert content(path)[2] == [2, 5]


def test_a_workbook_is_refused_by_its_name_for_people(tmp_path: Path) -> None:
    path = zipped(tmp_path / "bill.xlsx", TEXT.encode())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
    with pytest.raises(UnreadableBillError, match="save its sheet as CSV"):
        content(path)


def test_a_position_can_be_asked_for_after_the_end_of_a_utf_16_file(tmp_path: Path) -> None:
    with BillFile(write(tmp_path / "file", TEXT.encode("utf-16"))) as bill:
        assert sum(batch.length for batch in bill.batches([0], [])) == 2
        assert bill.consumed == bill.size


def test_a_quote_that_is_never_closed_is_refused_before_it_fills_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(billing_csv, "MAX_RECORD_BYTES", 1000)
    monkeypatch.setattr(billing_csv, "BLOCK_BYTES", 500)
    path = write(tmp_path / "file", b'a,b\n1,"open\n' + b"2,3\n" * 1000)
    with pytest.raises(UnreadableBillError, match="quote"):
        content(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableBillError, match="No such file"):
        BillFile(tmp_path / "none")


@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_that_changes_while_it_is_read_is_refused_at_its_end(replaced: bool, tmp_path: Path) -> None:  # noqa: FBT001
    path, other = tmp_path / "bill.csv", tmp_path / "other.csv"
    path.write_text(TEXT)
    other.write_text(TEXT)
    with BillFile(path) as bill:
        batches = bill.batches([0], [])
        next(batches)
        if replaced:
            other.rename(path)
        else:
            path.write_text(TEXT + "5,6,7\n")
        with pytest.raises(UnreadableBillError, match="changed while it was read"):
            list(batches)


_TEXTS = st.text(st.characters(codec="utf-8"), max_size=5)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False) | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=6,
)


@given(
    st.lists(st.dictionaries(st.sampled_from(["cost", "credits", "tags", "project"]), _VALUES), min_size=2, max_size=5)
)
def test_lines_are_read_as_the_records_of_an_array_are(records: list[dict[str, Any]]) -> None:
    lines = JsonTable(io.BytesIO("\n".join(map(json.dumps, [{"cost": 1}, *records])).encode()))
    array = JsonTable(io.BytesIO(json.dumps([{"cost": 1}, *records]).encode()))
    assert set(lines.header.names) == set(array.header.names)
    names = sorted(lines.header.names)

    def cells(table: JsonTable) -> list[Any]:
        positions = [table.header.names.index(name) for name in names]
        return [list(zip(*batch.columns, strict=True)) for batch in table.batches(positions, [])]

    assert cells(lines) == cells(array)


def test_what_only_one_reader_of_json_takes_is_read_all_the_same(tmp_path: Path) -> None:
    lines = b'{"cost": 1, "name": "\\ud800"}\n{"cost": NaN, "name": "b"}\n{"cost": -0.10, "name": "c"}\n'
    _, records, _ = content(write(tmp_path / "bill", lines))
    assert [cost for cost, _ in records] == ["1", "NaN", "-0.10"]


def test_a_line_of_json_that_does_not_end_is_refused_before_it_fills_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(billing_json, "MAX_LINE_BYTES", 1 << 16)
    lines = b'{"a": "1"}\n{"a": "2"}\n{"a": "' + b"x" * (1 << 17) + b'"}\n'
    with (
        pytest.raises(UnreadableBillError, match="no row of a bill"),
        BillFile(write(tmp_path / "file", lines)) as bill,
    ):
        list(bill.batches([0], []))
