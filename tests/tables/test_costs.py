"""Keys of the cost tables: the lines that begin with some values are those whose keys begin with a prefix."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.rollup_rows import CostRows
from domain.cost_rows import Line, ProjectionRow
from domain.money import ZERO
from domain.projections import PROJECTIONS
from domain.windows import Granularity, Window
from tables import costs as table
from tests.agents.memory_table import MemoryTable

DAY = Window(Granularity.DAY, 1_793_491_200)
# Where the encoding of a text's length changes, and texts that begin as others do.
VALUES = st.sampled_from(["", "a", "ab", "a" * 31, "a" * 32, "a" * 255, "a" * 256, "\0", "\u00e9"]) | st.text(
    max_size=3
)


@st.composite
def projected(draw: st.DrawFn) -> tuple[str, list[Line], tuple[str, ...]]:
    projection = draw(st.sampled_from(sorted(PROJECTIONS)))
    width = len(PROJECTIONS[projection])
    lines = st.builds(Line, st.tuples(*[VALUES] * width), VALUES, VALUES, VALUES)
    found = draw(st.lists(lines, max_size=10))
    values = draw(st.sampled_from([line.values for line in found]) if found else st.tuples(*[VALUES] * width))
    return projection, found, values[: draw(st.integers(0, width))]


@pytest.mark.parametrize("projection", PROJECTIONS)
def test_a_prefix_is_what_the_keys_of_its_lines_begin_with(projection: str) -> None:
    values = tuple(f"{dimension}-1" for dimension in PROJECTIONS[projection])
    key = table.window_prefix(DAY, projection) + table.line_key(Line(values, "compute.requests", "metered", ""))
    for given_ in range(len(values) + 1):
        prefix = table.lines_prefix(DAY, projection, values[:given_])
        assert key.startswith(prefix)
        assert not given_ or not key.startswith(table.lines_prefix(DAY, projection, (*values[: given_ - 1], "other")))


@given(projected())
def test_a_window_asked_by_leading_values_is_the_same_as_all_of_it_filtered(
    asked: tuple[str, list[Line], tuple[str, ...]],
) -> None:
    projection, lines, leading = asked
    costs = MemoryTable()
    for other in PROJECTIONS:
        for start in (DAY.start, DAY.start + 86_400):
            window = Window(Granularity.DAY, start)
            for line in lines if other == projection else [Line(("a",) * len(PROJECTIONS[other]), "", "", "")]:
                key = table.window_prefix(window, other) + table.line_key(line)
                costs.put(0, key, table.encode(ProjectionRow(1, 1, ZERO, ZERO, 0)))
    rows = CostRows(costs.tenure(0))
    whole = dict(rows.window(projection, DAY))
    assert {key.line for key in whole} == set(lines)
    found = dict(rows.window(projection, DAY, leading))
    assert found == {key: row for key, row in whole.items() if key.line.values[: len(leading)] == leading}
