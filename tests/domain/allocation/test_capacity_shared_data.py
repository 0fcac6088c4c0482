"""Days of pods of a real-shaped cluster, when it is at hand: idle cost as DuckDB works it out.

The file is not part of this repository; without it the test is skipped.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import duckdb
import pytest

from domain.allocation import Allocator, Usage, UsageLine
from domain.allocation.allocating import IDLE
from domain.money import add_up
from domain.scope import Scope
from tests.domain.allocation.cases import charge
from tests.domain.allocation.test_capacity import CAPACITY, cluster

FILE = Path(__file__).parents[3].parent / "shared/data/nise_generated/ocp_pod_usage.csv"
BY_DAY = """
with pods as (
    select epoch(interval_start[1:10]::date)::bigint as day, interval_start as hour, node, namespace,
        pod_request_cpu_core_seconds::decimal(38, 12) as requested,
        node_capacity_cpu_core_seconds::decimal(38, 12) as capacity
    from read_csv($1, all_varchar = true)),
requests as (select day, namespace, sum(requested) as seconds from pods group by all),
nodes as (select day, sum(capacity) as seconds
    from (select distinct day, hour, node, capacity from pods) group by all)
select r.day, r.namespace, r.seconds, n.seconds from requests r join nodes n using (day) order by 1, 2
"""


@pytest.mark.skipif(not FILE.is_file(), reason=f"no data in {FILE}")
def test_namespaces_and_idle_bear_a_clusters_days_as_duckdb_works_it_out() -> None:
    found = duckdb.execute(BY_DAY, [str(FILE)]).fetchall()
    capacity = {day: seconds for day, _, _, seconds in found}
    requested = [UsageLine(day, Scope(name), "compute.cpu_seconds", seconds) for day, name, seconds, _ in found]
    nodes = [UsageLine(day, Scope(), CAPACITY, seconds) for day, seconds in capacity.items()]
    allocator = Allocator([cluster()], Usage([*requested, *nodes]))
    assert len(capacity) > 1
    for day, whole in capacity.items():
        parts = {part.scope.tenant: part.amount for part in allocator.allocate(charge("96.37")._replace(day=day))}
        assert add_up(parts.values()) == Decimal("96.37")
        ours = [line for line in requested if line.day == day]
        total = max(Fraction(whole), sum(Fraction(line.units) for line in ours))
        for line in ours:
            expected = Fraction("96.37") * Fraction(line.units) / total
            assert abs(Fraction(parts.get(line.scope.tenant, Decimal(0))) - expected) < Fraction(1, 10**9)
        assert (IDLE in parts) is (total > sum(Fraction(line.units) for line in ours))
