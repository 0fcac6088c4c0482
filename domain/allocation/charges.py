"""What is allocated: the cost of a line of a day, with what rules may select it by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from domain.scope import DIMENSIONS, Scope
from domain.sources import BILLED, METERED, parse
from domain.windows import DAY, floor

if TYPE_CHECKING:
    from decimal import Decimal

    from domain.cells import CostRow

SOURCE: Final = "source"
PROVIDER: Final = "provider"
CATEGORY: Final = "category"
DRIVER: Final = "driver"
RESOURCE_TYPE: Final = "resource_type"
FACTS: Final = (SOURCE, PROVIDER, CATEGORY, DRIVER, RESOURCE_TYPE)
NAMES: Final = (*DIMENSIONS, *FACTS)
SOURCES: Final = (METERED, BILLED)


class Charge(NamedTuple):
    """Cost on the day that begins at `day` (epoch seconds); `source` is as `domain.sources` spells it."""

    day: int
    scope: Scope
    resource_type: str
    source: str
    amount: Decimal

    @property
    def end(self) -> int:
        """First second of the next day."""
        return self.day + DAY

    @property
    def facts(self) -> dict[str, str]:
        """All that a rule may select by: the names of `NAMES`; what metered cost has not is empty."""
        origin = parse(self.source)
        return {
            SOURCE: origin.kind,
            PROVIDER: origin.provider,
            CATEGORY: origin.category,
            DRIVER: self.resource_type.partition(".")[0],
            RESOURCE_TYPE: self.resource_type,
            **self.scope._asdict(),
        }


def charge_of(row: CostRow) -> Charge:
    """Return a line of the full projection as a charge of its day."""
    return Charge(floor(row.window.start, DAY), Scope(*row.scope), row.resource_type, row.source, row.amount)
