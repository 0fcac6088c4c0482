"""What a query may rely on being there, against what tables and view keep."""

from __future__ import annotations

from app.adapters import redis_view
from domain.queries.retention import KEPT_SECONDS
from tables import costs


def test_windows_are_doubted_before_tables_or_view_may_have_forgotten_them() -> None:
    for granularity, kept in KEPT_SECONDS.items():
        assert kept <= costs.RETENTION[granularity]
        assert kept <= redis_view._SECONDS_KEPT[granularity]
