"""A commit is all or nothing, on the changelog first; which rows count is the changelog's to say."""

from __future__ import annotations

import contextlib
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import faust
import pytest
from faust.types import TP
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.batch import Batch
from tables.ledger import ROCKSDB_OPTIONS, ChangelogHoleError, LedgerTable
from tables.tenure import FencedError, PartitionLostError, Tenure, chunks
from tables.terms import FENCE_KEY, accept
from tests.tables.changelog import MemoryChangelog, Record

if TYPE_CHECKING:
    from pathlib import Path

CHANGELOG = "ledger-rows-changelog"
HERE = TP("t", 0)


@pytest.fixture
def changelog() -> MemoryChangelog:
    return MemoryChangelog()


@pytest.fixture
def ended() -> list[BaseException]:
    return []


@pytest.fixture
def table(tmp_path: Path, changelog: MemoryChangelog, ended: list[BaseException]) -> LedgerTable:
    app = faust.App("ledger", store="rocksdb://", datadir=str(tmp_path), autodiscover=False, Table=LedgerTable)
    made: Any = app.Table("rows", partitions=2, options=dict(ROCKSDB_OPTIONS), key_type=bytes, value_type=bytes)
    made.bind(changelog, ended.append)
    return cast("LedgerTable", made)


@pytest.fixture
async def rows(table: LedgerTable) -> Tenure:
    """Partition 0 of the table, taken over."""
    await table.on_recovery_completed({HERE}, set())
    return table.tenure(0)


def fetch(*records: Record, topic: str = CHANGELOG, follows: int | None = None, end: int | None = None) -> list[Any]:
    """One event of Faust's recovery: a fetch of changelog records."""
    return [SimpleNamespace(value=Batch(topic, 0, cast("Any", records), follows, end))]


def plain(*rows: tuple[bytes, bytes | None], first: int = 0) -> list[Record]:
    return [Record(offset, key, value, ()) for offset, (key, value) in enumerate(rows, first)]


def held(table: LedgerTable) -> dict[bytes, bytes]:
    return dict(table._disk(0).scan())


async def test_a_commit_is_one_batch_of_the_changelog_and_is_read_back(
    rows: Tenure, changelog: MemoryChangelog
) -> None:
    await rows.commit({b"a": b"1", b"b": b"2"})
    assert changelog.batches == [{FENCE_KEY: b""}, {b"a": b"1", b"b": b"2"}]
    assert rows.get(b"a") == b"1"
    assert [key for key, _ in rows.scan()] == [b"a", b"b"]


async def test_none_deletes_and_is_a_tombstone(rows: Tenure, changelog: MemoryChangelog) -> None:
    await rows.commit({b"a": b"1"})
    await rows.commit({b"a": None})
    assert rows.get(b"a") is None
    assert changelog.batches[-1] == {b"a": None}


async def test_what_the_changelog_did_not_take_is_not_on_disk(rows: Tenure, changelog: MemoryChangelog) -> None:
    changelog.failing = True
    with pytest.raises(ConnectionError):
        await rows.commit({b"a": b"1"})
    assert rows.get(b"a") is None


async def test_many_rows_are_deleted_some_at_a_time(rows: Tenure, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tables.tenure.DELETED_AT_ONCE", 3)
    await rows.commit({b"a%d" % number: b"" for number in range(8)} | {b"b": b""})
    await rows.delete(key for key, _ in rows.scan(b"a"))
    assert [key for key, _ in rows.scan()] == [b"b"]


async def test_a_scan_ends_with_its_prefix_however_many_rows_there_are(
    rows: Tenure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tables.disk._SCANNED_AT_ONCE", 2)
    keys = [b"a%d" % number for number in range(5)]
    await rows.commit(dict.fromkeys([*keys, b"b1"], b""))
    assert [key for key, _ in rows.scan(b"a")] == keys


async def test_the_changelog_position_is_written_with_the_rows(rows: Tenure, table: LedgerTable) -> None:
    await rows.commit({b"a": b"1", b"b": b"2"})
    assert table.persisted_offset(TP(CHANGELOG, 0)) == rows.position == 2


async def test_a_partition_of_another_worker_is_neither_read_nor_written(rows: Tenure, table: LedgerTable) -> None:
    with pytest.raises(PartitionLostError):
        table.tenure(1)
    await table.on_rebalance(set(), set(), set())
    for use in (lambda: rows.get(b"a"), lambda: list(rows.scan())):
        with pytest.raises(PartitionLostError):
            use()
    with pytest.raises(PartitionLostError):
        await rows.commit({b"a": b"1"})


async def test_who_slept_through_a_rebalance_cannot_write_though_the_worker_owns_the_partition_again(
    rows: Tenure, table: LedgerTable, changelog: MemoryChangelog
) -> None:
    await table.on_rebalance(set(), set(), set())
    await table.on_recovery_completed({HERE}, set())
    assert not rows.held
    assert table.tenure(0).held
    with pytest.raises(PartitionLostError):
        await rows.commit({b"a": b"stale"})
    assert changelog.batches == [{FENCE_KEY: b""}, {FENCE_KEY: b""}]


async def test_a_scan_in_the_midst_of_which_the_partition_is_lost_ends(rows: Tenure, table: LedgerTable) -> None:
    await rows.commit({b"a": b"1", b"b": b"2"})
    scan = rows.scan()
    next(scan)
    await table.on_rebalance(set(), set(), set())
    with pytest.raises(PartitionLostError):
        next(scan)


async def test_a_partition_lost_while_the_broker_answers_leaves_the_disk_alone(
    rows: Tenure, table: LedgerTable, changelog: MemoryChangelog
) -> None:
    changelog.after = rows.end
    with pytest.raises(PartitionLostError):
        await rows.commit({b"a": b"1"})
    assert held(table) == {}


async def test_a_worker_that_another_one_has_fenced_off_ends_and_leaves_its_disk_alone(
    rows: Tenure, table: LedgerTable, changelog: MemoryChangelog, ended: list[BaseException]
) -> None:
    await rows.commit({b"a": b"1"})
    term = changelog.taken_over()
    changelog.by_somebody({b"a": b"2"}, term=term)
    with pytest.raises(FencedError):
        await rows.commit({b"a": b"3"})
    assert len(ended) == 1
    assert held(table) == {b"a": b"1"}
    table.apply_changelog_batch(fetch(*changelog.records[2:]))
    assert held(table) == {b"a": b"2"}


async def test_what_a_predecessor_appends_late_does_not_count_and_does_not_survive_compaction(
    rows: Tenure, changelog: MemoryChangelog
) -> None:
    await rows.commit({b"a": b"1", b"b": b"1"})
    changelog.by_somebody({b"a": b"zombie", b"new": b"zombie"}, term=0)
    await rows.commit({b"b": b"2"})
    assert dict(rows.scan()) == {b"a": b"1", b"b": b"2"}
    accepted = accept(changelog.compacted(), 0).rows
    assert accepted == {b"a": b"1", b"b": b"2", b"new": None}


async def test_what_was_appended_between_the_recovery_and_the_fence_counts(
    table: LedgerTable, changelog: MemoryChangelog
) -> None:
    changelog.put({b"a": b"1"})
    table.apply_changelog_batch(fetch(*changelog.records))
    changelog.before = lambda: changelog.put({b"a": b"2", b"b": b"2"})
    await table.on_recovery_completed({HERE}, set())
    assert dict(table.tenure(0).scan()) == {b"a": b"2", b"b": b"2"}
    assert changelog.batches == [{FENCE_KEY: b""}]


async def test_stale_rows_found_by_the_recovery_are_written_over(
    table: LedgerTable, changelog: MemoryChangelog
) -> None:
    term = changelog.taken_over()
    changelog.by_somebody({b"a": b"new"}, term=changelog.taken_over())
    changelog.by_somebody({b"a": b"zombie", b"b": b"zombie"}, term=term)
    table.apply_changelog_batch(fetch(*changelog.records))
    assert held(table) == {b"a": b"new"}
    await table.on_recovery_completed({HERE}, set())
    assert changelog.batches == [{FENCE_KEY: b""}, {b"a": b"new", b"b": None}]


async def test_a_repeat_of_an_append_from_the_network_undoes_nothing(rows: Tenure, changelog: MemoryChangelog) -> None:
    await rows.commit({b"a": b"1"})
    await rows.commit({b"a": b"2"})
    changelog.by_somebody({b"a": b"1"}, term=0)
    await rows.commit({b"b": b"1"})
    assert accept(changelog.records, 0).rows == {b"a": b"2", b"b": b"1"}


def test_recovery_follows_the_order_of_the_changelog(table: LedgerTable) -> None:
    table.apply_changelog_batch(fetch(*plain((b"a", b"old"), (b"a", b"new"), (b"b", b"x"), (b"b", None))))
    assert held(table) == {b"a": b"new"}


def test_a_fetch_that_leaves_records_out_ends_the_process(table: LedgerTable, ended: list[BaseException]) -> None:
    table.apply_changelog_batch(fetch(*plain((b"a", b"1"))))
    with pytest.raises(ChangelogHoleError):
        table.apply_changelog_batch(fetch(*plain((b"a", b"3"), first=2)))
    assert len(ended) == 1
    assert held(table) == {b"a": b"1"}


def test_a_gap_that_compaction_left_is_no_hole(table: LedgerTable) -> None:
    table.apply_changelog_batch(fetch(*plain((b"a", b"1"))))
    table.apply_changelog_batch(fetch(*plain((b"a", b"9"), first=8), follows=1))
    assert held(table) == {b"a": b"9"}


def test_what_compaction_took_from_the_end_of_a_fetch_is_no_hole(table: LedgerTable) -> None:
    table.apply_changelog_batch(fetch(*plain((b"a", b"1")), end=8))
    assert table.persisted_offset(TP(CHANGELOG, 0)) == 7
    table.apply_changelog_batch(fetch(*plain((b"a", b"9"), first=8)))
    assert held(table) == {b"a": b"9"}


def test_a_fetch_of_what_is_here_already_changes_nothing(table: LedgerTable) -> None:
    table.apply_changelog_batch(fetch(*plain((b"a", b"1"), (b"a", b"2"))))
    table.apply_changelog_batch(fetch(*plain((b"a", b"1"))))
    assert held(table) == {b"a": b"2"}
    assert table.persisted_offset(TP(CHANGELOG, 0)) == 1


def test_records_of_another_table_are_passed_over(table: LedgerTable) -> None:
    table.apply_changelog_batch(fetch(*plain((b"a", b"1")), topic="ledger-other-changelog"))
    assert held(table) == {}


async def test_partitions_taken_away_during_the_takeover_are_not_owned(
    table: LedgerTable, changelog: MemoryChangelog
) -> None:
    changelog.after = table._let_go
    await table.on_recovery_completed({HERE}, set())
    assert table.owned() == frozenset()


async def test_a_takeover_that_fails_is_fatal(
    table: LedgerTable, changelog: MemoryChangelog, ended: list[BaseException]
) -> None:
    changelog.failing = True
    with pytest.raises(ConnectionError):
        await table.on_recovery_completed({HERE}, set())
    assert len(ended) == 1
    assert table.epoch == 0


async def test_recovery_counts_as_a_new_epoch(table: LedgerTable) -> None:
    await table.on_recovery_completed({TP("t", 1)}, set())
    assert (table.owned(), table.epoch) == (frozenset({1}), 1)


def test_chunks_keep_every_row_in_order_within_the_limit() -> None:
    rows: dict[bytes, bytes | None] = {bytes([number]): bytes(50) for number in range(20)}
    parts = list(chunks(rows, limit=200))
    assert [key for part in parts for key in part] == list(rows)
    assert max(len(part) for part in parts) == 2


class Disk:
    """Rows in memory."""

    def __init__(self) -> None:
        self.rows: dict[bytes, bytes] = {}
        self.position, self.fence = -1, 0

    def get(self, key: bytes) -> bytes | None:
        return self.rows.get(key)

    def write(self, rows: dict[bytes, bytes | None], offset: int, fence: int) -> None:
        for key, value in rows.items():
            self.rows.pop(key, None)
            if value is not None:
                self.rows[key] = value
        self.position, self.fence = offset, fence


class Worker:
    """Owns the partition, or believes so; takes over from what its disk and the changelog hold."""

    def __init__(self, changelog: MemoryChangelog) -> None:
        self.changelog = changelog
        self.disk = Disk()
        self.tenure: Tenure | None = None

    async def take_over(self) -> None:
        ours = Ours(self.changelog)
        term = await ours.append([(FENCE_KEY, b"")], {})
        missed = await ours.read(self.disk.position + 1, term - 1)
        accepted = accept(missed, self.disk.fence)
        self.disk.write(accepted.rows, term, term)
        self.tenure = Tenure(
            "t", term=term, disk=cast("Any", self.disk), changelog=cast("Any", ours), fatal=lambda _: None
        )
        await self.tenure.restore(accepted.stale)

    async def commit(self, rows: dict[bytes, bytes | None]) -> bool:
        if self.tenure is None:
            return False
        try:
            await self.tenure.commit(rows)
        except FencedError:
            self.tenure = None
            return False
        return True


class Ours:
    def __init__(self, changelog: MemoryChangelog) -> None:
        self.append = partial(changelog.append, "t", 0)
        self.read = partial(changelog.read, "t", 0)


STEPS = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(["take over", "write", "write", "write"]), st.integers(0, 3)),
    max_size=25,
)


@settings(max_examples=200)
@given(STEPS)
async def test_whoever_writes_when_the_changelog_holds_what_was_acknowledged(
    steps: list[tuple[int, str, int]],
) -> None:
    """Three workers take over and write in any order, none is ever told that it lost the partition."""
    changelog = MemoryChangelog()
    workers = [Worker(changelog) for _ in range(3)]
    acknowledged: dict[bytes, bytes] = {}
    for number, (who, what, key) in enumerate(steps):
        if what == "take over":
            with contextlib.suppress(FencedError):
                await workers[who].take_over()
        elif await workers[who].commit({b"%d" % key: b"%d" % number}):
            acknowledged[b"%d" % key] = b"%d" % number
    newcomer = Worker(changelog)
    await newcomer.take_over()
    assert newcomer.disk.rows == acknowledged
    compacted = accept(changelog.compacted(), 0).rows
    assert {key: value for key, value in compacted.items() if value is not None} == acknowledged
