"""The section `[[reconciliation]]` of the configuration file: which lines of bills are a meter's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from app.typed_toml import SettingsError
from domain.allocation.drivers import parse_driver
from domain.allocation.patterns import make_pattern
from domain.reconciliation import Match
from domain.rejection import Rejected

if TYPE_CHECKING:
    from collections.abc import Sequence


class ReconciliationSection(msgspec.Struct, forbid_unknown_fields=True):
    """`[[reconciliation]]` as it is written."""

    meter: str
    provider: str
    service: str | list[str]


def read_reconciliation(sections: Sequence[ReconciliationSection]) -> tuple[Match, ...]:
    """Check the matches; raise `SettingsError`. The first that fits a line of a bill is its meter's."""
    return tuple(_match(section, f"reconciliation[{i}]") for i, section in enumerate(sections))


def _match(section: ReconciliationSection, key: str) -> Match:
    driver = parse_driver(section.meter)
    if isinstance(driver, Rejected) or driver.meter != section.meter:
        raise SettingsError(f"{key}.meter", f"{section.meter[:64]!r} is not a meter such as compute.gpu_hours")
    services = [section.service] if isinstance(section.service, str) else section.service
    if not section.provider or not services or not all(services):
        raise SettingsError(key, "provider and service must not be empty")
    return Match(section.meter, (make_pattern("provider", [section.provider]), make_pattern("service", services)))
