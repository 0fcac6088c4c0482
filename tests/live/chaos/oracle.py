"""What a file of traffic must come to: DuckDB on the lines, with none of our code in between."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

import duckdb

from tests.live.chaos.traffic import CPU_PRICE, TOKEN_PRICES

if TYPE_CHECKING:
    from pathlib import Path


class Cell(NamedTuple):
    """What is compared: the full scope, the driver, the hour as `2026-11-02T23:00:00Z`."""

    tenant: str
    environment: str
    feature: str
    service: str
    team: str
    driver: str
    hour: str


class Cost(NamedTuple):
    """What a cell comes to."""

    amount: Decimal
    events: int


@dataclass(frozen=True)
class Expected:
    """Cost by cell, and the SHA-256 of every line that is no valid event."""

    cells: dict[Cell, Cost]
    rejected: frozenset[str]

    @property
    def total(self) -> Decimal:
        """The cost of everything."""
        return sum((cost.amount for cost in self.cells.values()), Decimal(0))

    @property
    def events(self) -> int:
        """The number of distinct valid events."""
        return sum(cost.events for cost in self.cells.values())

    def spent(self, tenant: str | None, day: str | None = None) -> Decimal:
        """Return what a tenant (None: everybody) spent, on one day (`2026-11-02`) or ever."""
        return sum(
            (
                cost.amount
                for cell, cost in self.cells.items()
                if tenant in (None, cell.tenant) and (day is None or cell.hour.startswith(day))
            ),
            Decimal(0),
        )


_VALID: Final = """
create or replace temp table valid as
with lines as (
    select line, if(json_valid(line), line::json, null) as event
    from read_csv(?, columns = {'line': 'varchar'}, header = false, delim = '\x01', quote = '', escape = '')
),
parsed as (
    select line, event ->> '$.id' as id, event ->> '$.source' as source, event -> '$.data' as data,
        try_cast(event ->> '$.time' as timestamptz) as moment
    from lines where event is not null
),
typed as (
    select *, data ->> '$.resource_type' as resource_type,
        try_cast(data ->> '$.units' as decimal(18, 3)) as units,
        try_cast(data ->> '$.usage.input_tokens' as bigint) as given,
        try_cast(data ->> '$.usage.output_tokens' as bigint) as taken
    from parsed
)
select * from typed where moment is not null and resource_type is not null
    and (case when resource_type = 'third_party.llm_tokens' then given >= 0 and taken >= 0 else units >= 0 end)
"""
_TOTALS: Final = """
with once as (select source, id, any_value(data) as data, any_value(resource_type) as resource_type,
    any_value(units) as units, any_value(given) as given, any_value(taken) as taken, any_value(moment) as moment
    from valid group by source, id)
select data ->> '$.tenant', data ->> '$.environment', data ->> '$.feature', data ->> '$.service', data ->> '$.team',
    split_part(resource_type, '.', 1), strftime(date_trunc('hour', moment at time zone 'UTC'), '%Y-%m-%dT%H:00:00Z'),
    coalesce(sum(units), 0), coalesce(sum(given), 0), coalesce(sum(taken), 0), count(*)
from once group by all
"""


def expected(path: Path) -> Expected:
    """Return what the lines of a file come to."""
    with duckdb.connect() as database:
        database.execute(_VALID, [str(path)])
        rows = database.execute(_TOTALS).fetchall()
        valid = {line.encode() for (line,) in database.execute("select distinct line from valid").fetchall()}
    cells = {Cell(*row[:7]): Cost(_amount(*row[7:10]), row[10]) for row in rows}
    with path.open("rb") as lines:
        rejected = {hashlib.sha256(line[:-1]).hexdigest() for line in lines if line[:-1] not in valid}
    return Expected(cells, frozenset(rejected))


def _amount(units: Decimal, given: int, taken: int) -> Decimal:
    tokens = (int(given) * Decimal(TOKEN_PRICES[0]) + int(taken) * Decimal(TOKEN_PRICES[1])) / 1_000_000
    return Decimal(units) * Decimal(CPU_PRICE) + tokens
