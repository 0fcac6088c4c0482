"""What counts as folded, and giving up only when nothing moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest

from app.folded import NotFoldedError, Progress, measure, wait_until_folded

if TYPE_CHECKING:
    from collections.abc import Mapping


def documents(**fields: object) -> dict[str, bytes]:
    return {name.replace("_", ":"): orjson.dumps(value) for name, value in fields.items()}


def test_records_behind_are_counted_per_partition() -> None:
    progress = measure(documents(meter_0={"offset": 6, "totals": {}}), {0: 9, 1: 4})
    assert progress == Progress(behind=3 + 5, visible=True)


def test_being_ahead_on_one_partition_does_not_make_up_for_another() -> None:
    reached = documents(meter_0={"offset": 100, "totals": {}}, meter_1={"offset": 3, "totals": {}})
    assert measure(reached, {0: 9, 1: 4}).behind == 1


def test_metered_is_not_done_before_rollup_shows_the_totals() -> None:
    metered = documents(meter_0={"offset": 9, "totals": {"0": 5, "3": 7}})
    assert not measure(metered, {0: 9}).done
    almost = metered | documents(rollup_0={"offset": 5}, rollup_3={"offset": 6})
    assert not measure(almost, {0: 9}).done
    assert measure(metered | documents(rollup_0={"offset": 5}, rollup_3={"offset": 7}), {0: 9}).done


def test_the_furthest_totals_of_any_source_partition_are_needed() -> None:
    metered = documents(
        meter_0={"offset": 1, "totals": {"0": 5}},
        meter_1={"offset": 1, "totals": {"0": 9}},
        rollup_0={"offset": 5},
    )
    assert not measure(metered, {0: 1, 1: 1}).done


def test_nothing_sent_is_done() -> None:
    assert measure({}, {}).done


async def test_waits_until_the_documents_say_so() -> None:
    offsets = iter([0, 4, 9])

    async def read() -> Mapping[str, bytes]:
        return documents(meter_0={"offset": next(offsets), "totals": {}})

    seen: list[int] = []
    await wait_until_folded(read, {0: 9}, on_progress=lambda progress: seen.append(progress.behind))
    assert seen == [9, 5, 0]


async def test_gives_up_when_workers_stand_still_and_says_how_far_they_came() -> None:
    async def read() -> Mapping[str, bytes]:
        return documents(meter_0={"offset": 4, "totals": {}})

    with pytest.raises(NotFoldedError, match="5 of the records sent are not folded"):
        await wait_until_folded(read, {0: 9}, patience=0.0)
