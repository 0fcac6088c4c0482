"""What shared cost is split by. Every driver is a quantity of usage, never money: net cost may be below zero.

| driver | quantity |
|---|---|
| `events` | metered events |
| `requests` | units of `compute.requests` |
| `cpu` | units of `compute.cpu_seconds` |
| `storage_operations` | units of `storage.operations` |
| `active_users` | units of `shared.active_users`: how many were active on the day, told or counted |
| `even` | one for each receiver that used anything |
| `weights` | the rule's own numbers |
| a meter such as `network.egress_gb` | its units |
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from domain.money import ZERO
from domain.rejection import Rejected
from domain.usage import ACTIVE_USERS as ACTIVE_USERS_METER
from domain.usage import DRIVERS as METER_PREFIXES

if TYPE_CHECKING:
    from collections.abc import Callable

EVENTS: Final = "events"
EVEN: Final = "even"
WEIGHTS: Final = "weights"
ACTIVE_USERS: Final = "active_users"
USERS_METER: Final = ACTIVE_USERS_METER
METERS: Final = {
    "requests": "compute.requests",
    "cpu": "compute.cpu_seconds",
    "storage_operations": "storage.operations",
    ACTIVE_USERS: USERS_METER,
}
NAMES: Final = (EVENTS, *METERS, EVEN, WEIGHTS)
_METER: Final = re.compile(rf"(?:{'|'.join(METER_PREFIXES)})\.[a-z0-9_]+")
_ONE: Final = Decimal(1)


class Driver(NamedTuple):
    """A driver by name; `meter` is the kind of usage that it counts, empty for those that count something else."""

    name: str
    meter: str = ""

    @property
    def unit(self) -> str:
        """What its quantities are counted in."""
        return self.meter or self.name

    @property
    def counts_any_usage(self) -> bool:
        """Tell whether it counts usage of every kind."""
        return self.name in (EVENTS, EVEN)

    @property
    def measure(self) -> Callable[[str, Decimal, int], Decimal]:
        """Return what reads the quantity of a line of usage from its kind, units and events."""
        if self.meter:
            return lambda kind, units, _events: units if kind == self.meter else ZERO
        if self.name == EVENTS:
            return lambda kind, _units, events: Decimal(events) if kind != USERS_METER else ZERO
        return lambda kind, units, events: _ONE if (events > 0 or units > 0) and kind != USERS_METER else ZERO


def parse_driver(name: str) -> Driver | Rejected:
    """Read the name of a driver or a meter."""
    if name in NAMES:
        return Driver(name, METERS.get(name, ""))
    if _METER.fullmatch(name):
        return Driver(name, name)
    return Rejected(f"{name[:64]!r} is neither one of {', '.join(NAMES)} nor a meter such as network.egress_gb")
