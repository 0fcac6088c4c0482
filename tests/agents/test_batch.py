"""The loops that agents run over batches."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from agents.batch import Batch, Merger, each
from tables.tenure import PartitionLostError
from tests.agents.fakes import batch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


async def stream(*batches: Batch) -> AsyncIterator[Batch]:
    for one in batches:
        yield one


def fetched(*, stale: bool = False, first: int = 0) -> Batch:
    made = batch("usage", [b"x"], first)
    made.stale = stale
    return made


async def test_a_stale_batch_is_neither_handled_nor_done() -> None:
    handled: list[int] = []
    stale, fresh = fetched(stale=True), fetched(first=1)

    async def handle(one: Batch) -> None:
        handled.append(one.first_offset)

    await each(stream(stale, fresh), handle, fatal=lambda _: None)
    assert handled == [1]
    assert (stale.done, fresh.done) == (False, True)


async def test_a_batch_whose_partition_was_taken_away_is_not_done_and_ends_nothing() -> None:
    ended: list[BaseException] = []
    lost = fetched()

    async def handle(_: Batch) -> None:
        raise PartitionLostError

    await each(stream(lost), handle, ended.append)
    assert (lost.done, ended) == (False, [])


async def test_any_other_failure_ends_the_process() -> None:
    ended: list[BaseException] = []

    async def handle(_: Batch) -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await each(stream(fetched()), handle, ended.append)
    assert len(ended) == 1


async def test_a_batch_that_becomes_stale_while_it_waits_to_be_merged_is_left_out() -> None:
    handled: list[list[int]] = []
    begun, go_on, done = asyncio.Event(), asyncio.Event(), asyncio.Event()
    batches = [fetched(first=number) for number in range(4)]

    async def handle(merged: Batch) -> None:
        handled.append([record.offset for record in merged.records])
        begun.set()
        await go_on.wait()
        if len(handled) > 1:
            done.set()

    async def arrive() -> AsyncIterator[Batch]:
        yield batches[0]
        await begun.wait()
        for one in batches[1:]:
            yield one
        batches[1].stale = True
        go_on.set()
        await done.wait()

    await Merger(handle, fatal=lambda _: None).follow(arrive())
    assert handled == [[0], [2, 3]]
    assert [one.done for one in batches[:2]] == [True, False]
