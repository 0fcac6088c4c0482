"""A commit is all or nothing, on the changelog first; recovery believes the owners, in order."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import faust
import msgspec
import pytest
from faust.types import TP

from agents.batch import Batch
from tables.ledger import FENCE_KEY, ROCKSDB_OPTIONS, ChangelogHoleError, LedgerTable, PartitionLostError, chunks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

CHANGELOG = "ledger-rows-changelog"
row = msgspec.msgpack.encode


class Changelog:
    """Appends to a list; may fail, or call back while a commit waits for it."""

    def __init__(self) -> None:
        self.batches: list[dict[bytes, bytes | None]] = []
        self.terms: list[int] = []
        self.failing = False
        self.meanwhile: Any = lambda: None

    async def append(
        self, topic: str, partition: int, rows: Iterable[tuple[bytes, bytes | None]], headers: Mapping[str, bytes]
    ) -> int:
        del topic, partition
        if self.failing:
            raise ConnectionError("the broker is gone")
        self.batches.append(dict(rows))
        self.terms.append(int(headers["term"]))
        self.meanwhile()
        return sum(len(batch) for batch in self.batches) - 1


@pytest.fixture
def changelog() -> Changelog:
    return Changelog()


@pytest.fixture
def table(tmp_path: Path, changelog: Changelog) -> LedgerTable:
    app = faust.App("ledger", store="rocksdb://", datadir=str(tmp_path), autodiscover=False, Table=LedgerTable)
    made: Any = app.Table("rows", partitions=2, options=dict(ROCKSDB_OPTIONS), key_type=bytes, value_type=bytes)
    made.bind(changelog, lambda _: None)
    made._owned, made._terms = frozenset({0}), {0: 1}
    return cast("LedgerTable", made)


def recovered(*rows: tuple[int, bytes, bytes | None], first: int = 0, topic: str = CHANGELOG) -> list[Any]:
    """One event of Faust's recovery: a fetch of changelog records, the first at that offset."""
    records = [
        SimpleNamespace(key=key, value=value, partition=0, offset=offset, headers=[("term", b"%d" % term)])
        for offset, (term, key, value) in enumerate(rows, first)
    ]
    return [SimpleNamespace(value=Batch(topic, 0, tuple(records)))]


async def test_a_commit_is_one_batch_of_the_changelog_and_is_read_back(
    table: LedgerTable, changelog: Changelog
) -> None:
    await table.commit(0, {b"a": row((1, "x")), b"b": row((1, "y"))})
    assert len(changelog.batches) == 1
    assert table.get(0, b"a") == row((1, "x"))
    assert [key for key, _ in table.scan(0)] == [b"a", b"b"]


async def test_none_deletes_and_is_a_tombstone(table: LedgerTable, changelog: Changelog) -> None:
    await table.commit(0, {b"a": row((1,))})
    await table.commit(0, {b"a": None})
    assert table.get(0, b"a") is None
    assert changelog.batches[-1] == {b"a": None}


async def test_what_the_changelog_did_not_take_is_not_on_disk(table: LedgerTable, changelog: Changelog) -> None:
    changelog.failing = True
    with pytest.raises(ConnectionError):
        await table.commit(0, {b"a": row((1,))})
    assert table.get(0, b"a") is None


async def test_a_partition_of_another_worker_is_not_written(table: LedgerTable, changelog: Changelog) -> None:
    with pytest.raises(PartitionLostError):
        await table.commit(1, {b"a": row((1,))})
    assert changelog.batches == []


async def test_a_partition_lost_while_the_broker_answers_leaves_the_disk_alone(
    table: LedgerTable, changelog: Changelog
) -> None:
    changelog.meanwhile = lambda: setattr(table, "_owned", frozenset())
    with pytest.raises(PartitionLostError):
        await table.commit(0, {b"a": row((1,))})
    assert table.get(0, b"a") is None


async def test_the_changelog_position_is_written_with_the_rows(table: LedgerTable) -> None:
    await table.commit(0, {b"a": row((1,)), b"b": row((1,))})
    assert table.persisted_offset(TP(table.changelog_topic_name, 0)) == 1


def fence(term: int) -> tuple[int, bytes, bytes]:
    return term, FENCE_KEY, b"%d" % term


def test_recovery_follows_the_order_of_the_changelog(table: LedgerTable) -> None:
    table.apply_changelog_batch(recovered((1, b"a", b"old"), (1, b"a", b"new"), (1, b"b", b"x"), (1, b"b", None)))
    assert (table.get(0, b"a"), table.get(0, b"b")) == (b"new", None)


def test_rows_of_a_worker_that_lost_its_partition_without_knowing_are_passed_over(table: LedgerTable) -> None:
    table.apply_changelog_batch(
        recovered(fence(1), (1, b"a", b"old"), fence(2), (2, b"a", b"new"), (1, b"a", b"zombie"))
    )
    assert table.get(0, b"a") == b"new"
    table.apply_changelog_batch(recovered((1, b"a", b"zombie again"), (1, b"a", None), first=5))
    assert table.get(0, b"a") == b"new"


def test_a_fetch_that_leaves_records_out_ends_the_process(table: LedgerTable) -> None:
    ended: list[BaseException] = []
    table.bind(Changelog(), ended.append)
    table.apply_changelog_batch(recovered((1, b"a", b"1")))
    with pytest.raises(ChangelogHoleError):
        table.apply_changelog_batch(recovered((1, b"a", b"3"), first=2))
    assert len(ended) == 1
    assert table.get(0, b"a") == b"1"


def test_a_gap_that_compaction_left_is_no_hole(table: LedgerTable) -> None:
    table.apply_changelog_batch(recovered((1, b"a", b"1")))
    after = recovered((1, b"a", b"9"), first=8)
    after[0].value.follows = 1
    table.apply_changelog_batch(after)
    assert table.get(0, b"a") == b"9"


def test_a_fetch_of_what_is_here_already_changes_nothing(table: LedgerTable) -> None:
    table.apply_changelog_batch(recovered((1, b"a", b"1"), (1, b"a", b"2")))
    table.apply_changelog_batch(recovered((1, b"a", b"1")))
    assert table.get(0, b"a") == b"2"
    assert table.persisted_offset(TP(CHANGELOG, 0)) == 1


def test_records_of_another_table_are_passed_over(table: LedgerTable) -> None:
    table.apply_changelog_batch(recovered((1, b"a", b"1"), topic="ledger-other-changelog"))
    assert table.get(0, b"a") is None


async def test_taking_over_appends_a_fence_above_every_earlier_one(table: LedgerTable, changelog: Changelog) -> None:
    table.apply_changelog_batch(recovered(fence(6), (6, b"a", b"1"), fence(7)))
    await table.on_recovery_completed({TP("t", 0)}, set())
    await table.commit(0, {b"a": b"2"})
    assert changelog.batches == [{FENCE_KEY: b"8"}, {b"a": b"2"}]
    assert changelog.terms == [8, 8]
    assert [key for key, _ in table.scan(0)] == [b"a"]


async def test_partitions_taken_away_during_the_takeover_are_not_owned(
    table: LedgerTable, changelog: Changelog
) -> None:
    table._owned = frozenset()
    changelog.meanwhile = lambda: setattr(table, "_rebalances", table._rebalances + 1)
    await table.on_recovery_completed({TP("t", 0)}, set())
    assert table.owned() == frozenset()


async def test_a_takeover_that_fails_is_fatal(table: LedgerTable, changelog: Changelog) -> None:
    ended: list[BaseException] = []
    table.bind(changelog, ended.append)
    changelog.failing = True
    with pytest.raises(ConnectionError):
        await table.on_recovery_completed({TP("t", 0)}, set())
    assert len(ended) == 1
    assert table.epoch == 0


async def test_a_scan_ends_with_its_prefix(table: LedgerTable) -> None:
    await table.commit(0, {b"a1": row((1,)), b"a2": row((1,)), b"b1": row((1,))})
    assert [key for key, _ in table.scan(0, b"a")] == [b"a1", b"a2"]


async def test_recovery_counts_as_a_new_epoch(table: LedgerTable) -> None:
    before = table.epoch
    await table.on_recovery_completed({TP("t", 1)}, set())
    assert (table.owned(), table.epoch) == (frozenset({1}), before + 1)


def test_chunks_keep_every_row_in_order_within_the_limit() -> None:
    rows: dict[bytes, bytes | None] = {bytes([number]): bytes(50) for number in range(20)}
    parts = list(chunks(rows, limit=200))
    assert [key for part in parts for key in part] == list(rows)
    assert max(len(part) for part in parts) == 2


async def test_a_worker_that_wakes_after_another_one_wrote_ends_before_it_spoils_its_disk(
    table: LedgerTable, changelog: Changelog
) -> None:
    ended: list[BaseException] = []
    table.bind(changelog, ended.append)
    await table.commit(0, {b"a": b"1"})
    changelog.batches.append({b"a": b"by its successor"})
    with pytest.raises(ChangelogHoleError):
        await table.commit(0, {b"b": b"2"})
    assert len(ended) == 1
    assert table.persisted_offset(TP(CHANGELOG, 0)) == 0
    assert table.get(0, b"b") is None
