"""The vectorised partitioner against the one that aiokafka uses."""

from __future__ import annotations

from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from app.partitioner import partitions_of


@given(st.lists(st.binary(max_size=40)), st.integers(1, 64))
def test_every_key_meets_the_partition_that_other_clients_give_it(keys: list[bytes], partitions: int) -> None:
    choose, everyone = DefaultPartitioner(), list(range(partitions))
    assert partitions_of(keys, partitions) == [choose(key, everyone, everyone) for key in keys]
