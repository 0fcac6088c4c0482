"""The section `[[reconciliation]]` of the configuration file: which lines of bills are a meter's."""

from __future__ import annotations

from decimal import Decimal
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
    sku: str | list[str] | None = None
    units: Decimal | None = None


def read_reconciliation(sections: Sequence[ReconciliationSection]) -> tuple[Match, ...]:
    """Check the matches; raise `SettingsError`. The first that fits a line of a bill is its meter's."""
    return tuple(_match(section, f"reconciliation[{i}]") for i, section in enumerate(sections))


def _match(section: ReconciliationSection, key: str) -> Match:
    driver = parse_driver(section.meter)
    if isinstance(driver, Rejected) or driver.meter != section.meter:
        raise SettingsError(f"{key}.meter", f"{section.meter[:64]!r} is not a meter such as compute.gpu_hours")
    if not section.provider:
        raise SettingsError(f"{key}.provider", "must not be empty")
    if section.units is not None and not (section.units.is_finite() and section.units > 0):
        raise SettingsError(f"{key}.units", f"{section.units} is not above 0")
    select = [
        make_pattern("provider", [section.provider]),
        make_pattern("service", _patterns(section.service, f"{key}.service")),
    ]
    if section.sku is not None:
        select.append(make_pattern("sku", _patterns(section.sku, f"{key}.sku")))
    return Match(section.meter, tuple(select), section.units)


def _patterns(value: str | list[str], key: str) -> list[str]:
    found = [value] if isinstance(value, str) else value
    if not found or not all(found):
        raise SettingsError(key, "must not be empty")
    return found
