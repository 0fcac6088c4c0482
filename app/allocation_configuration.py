"""The section `[[allocation]]` of the configuration file: how shared cost is split."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import msgspec

from app.typed_toml import SettingsError, unknown_key
from domain.allocation import Rule, Wording, make_rule
from domain.allocation.charges import NAMES
from domain.allocation.drivers import ACTIVE_USERS
from domain.rejection import Rejected

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_KEY_FIRST: Final = re.compile(r"([a-z]+): (.+)", re.DOTALL)
Patterns = dict[str, str | list[str]]


class AllocationSection(msgspec.Struct, forbid_unknown_fields=True):
    """`[[allocation]]` as it is written."""

    id: str
    driver: str
    select: Patterns
    version: int = 1
    to: str | list[str] = "tenant"
    among: Patterns = {}
    weights: dict[str, Decimal] = {}
    fallback: str | list[str] = ACTIVE_USERS
    capacity: str | None = None
    since: date | None = None
    until: date | None = None


def read_allocation(sections: Sequence[AllocationSection]) -> tuple[Rule, ...]:
    """Check the rules; raise `SettingsError`. A rule may stand there twice, in different versions."""
    rules = tuple(_rule(section, f"allocation[{i}]") for i, section in enumerate(sections))
    for i, rule in enumerate(rules):
        for j, other in enumerate(rules[:i]):
            if (rule.id, rule.version) == (other.id, other.version):
                raise SettingsError(
                    f"allocation[{i}].version", f"{rule.id!r} version {rule.version} is allocation[{j}] too"
                )
    return rules


def _rule(section: AllocationSection, key: str) -> Rule:
    for name in section.select:
        if name not in NAMES:
            raise unknown_key(name, NAMES, f"{key}.select")
    rule = make_rule(
        Wording(
            id=section.id,
            driver=section.driver,
            select=_lists(section.select),
            version=section.version,
            to=_list(section.to),
            among=_lists(section.among),
            weights=section.weights,
            fallback=_list(section.fallback),
            capacity=section.capacity,
            since=_day(section.since),
            until=_day(section.until),
        )
    )
    if isinstance(rule, Rejected):
        found = _KEY_FIRST.fullmatch(rule.reason)
        raise SettingsError(f"{key}.{found[1]}", found[2]) if found else SettingsError(key, rule.reason)
    return rule


def _lists(patterns: Patterns) -> Mapping[str, Sequence[str]]:
    return {name: _list(values) for name, values in patterns.items()}


def _list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _day(value: date | None) -> date | None:
    return value.date() if isinstance(value, datetime) else value
