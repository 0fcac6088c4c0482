"""A month of cost in the view: every scope spends once a day, at midnight UTC, the same amount.

Folding as many cells through Kafka would take minutes and test the worker, so the rows go to Redis directly, through
the product's own adapter and its own projections. Hours and minutes are there for today alone: a question about 30 days
reads no others that hold anything.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from app.adapters.redis_view import RedisView
from domain.cost_rows import Line, Place, ProjectionRow
from domain.projecting import Delta, Lines, by_projection
from domain.totals import owner_of
from domain.windows import DAY, Granularity, Window, floor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.adapters.redis_view import Shown

DAYS: Final = 30
PARTITIONS: Final = 4
AMOUNT: Final = Decimal("0.0316")
UNITS: Final = Decimal(3600)
TENANTS: Final = 50
FEATURES: Final = 20
TEAMS: Final = 7


async def write_month(redis_url: str, prefix: str, scopes: int, now: int) -> Decimal:
    """Write the month that ends now; return what all of it cost."""
    view = RedisView.connect(redis_url, prefix)
    for rows in month(scopes, now):
        await view.put_costs(rows)
    await view.close()
    return AMOUNT * scopes * DAYS


def month(scopes: int, now: int) -> Iterator[Shown]:
    """Yield rows by owner partition and key, a window and an owner at a time."""
    owners = list(_lines_by_owner(scopes).items())
    for window in _windows(now):
        for owner, lines in owners:
            yield {(owner, Place(window, projection)): rows for projection, rows in _rows(lines)}


def _windows(now: int) -> list[Window]:
    today = floor(now, DAY)
    days = [Window(Granularity.DAY, today - back * DAY) for back in range(DAYS)]
    return [*days, Window(Granularity.HOUR, today), Window(Granularity.MINUTE, today)]


def _lines_by_owner(scopes: int) -> dict[int, Lines]:
    owners: dict[int, Lines] = {}
    for scope in range(scopes):
        tenant = f"tenant-{scope % TENANTS}"
        feature = f"feature-{scope // TENANTS % FEATURES}"
        values = (tenant, "production", feature, f"service-{scope // TENANTS}", f"team-{scope % TEAMS}")
        lines = owners.setdefault(owner_of(tenant, PARTITIONS), {})
        lines[Line(values, "compute.cpu_seconds", "metered", "request")] = Delta(1, 1, UNITS, AMOUNT)
    return owners


def _rows(lines: Lines) -> Iterator[tuple[str, dict[Line, tuple[int, ProjectionRow]]]]:
    for projection, projected in by_projection(lines):
        yield projection, {line: (1, ProjectionRow(*delta)) for line, delta in projected.items()}
