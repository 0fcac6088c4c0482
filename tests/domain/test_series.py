from __future__ import annotations

import pytest

from domain.rejection import Rejected
from domain.series import read_series


def test_a_history_is_read_with_its_text_kept() -> None:
    points = read_series(["timestamp,value", "2026-11-01 00:00:00,1.50", "2026-11-01T00:05:00Z,2"])
    assert not isinstance(points, Rejected)
    assert [(point.text, point.at) for point in points] == [("1.50", 1793491200.0), ("2", 1793491500.0)]


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["time,cost", "1,2"], "line 1: expected the columns timestamp,value"),
        (["timestamp,value", "2026-11-01 00:00:00,NaN"], "line 2: 'NaN' is not a finite number"),
        (["timestamp,value", "yesterday,1"], "line 2: 'yesterday' is not a time"),
        (["timestamp,value", "1"], "line 2: too few columns"),
        (["timestamp,value"], "no rows"),
    ],
)
def test_what_is_wrong_names_its_line(lines: list[str], reason: str) -> None:
    points = read_series(lines)
    assert isinstance(points, Rejected)
    assert points.reason.startswith(reason)
