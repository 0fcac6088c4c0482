"""The sections `[[allocation]]` and `[[reattribution]]` of the configuration file: who bears what, and whose it was."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from app.typed_toml import SettingsError, unknown_key
from domain.allocation import Rule, Wording, make_rule
from domain.allocation.charges import NAMES
from domain.allocation.drivers import ACTIVE_USERS
from domain.reattribution import rules as reattribution
from domain.rejection import Rejected
from domain.scope import DIMENSIONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

T = TypeVar("T")
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


class ReattributionSection(msgspec.Struct, forbid_unknown_fields=True):
    """`[[reattribution]]` as it is written."""

    id: str
    select: Patterns
    to: dict[str, str]
    version: int = 1
    since: date | None = None
    until: date | None = None


def read_reattribution(sections: Sequence[ReattributionSection]) -> tuple[reattribution.Rule, ...]:
    """Check the rules; raise `SettingsError`. A rule may stand there twice, in different versions."""
    rules = tuple(_reattribution(section, f"reattribution[{i}]") for i, section in enumerate(sections))
    _distinct(rules, "reattribution")
    return rules


def _reattribution(section: ReattributionSection, key: str) -> reattribution.Rule:
    for name in section.select:
        if name not in reattribution.SELECTABLE:
            raise unknown_key(name, reattribution.SELECTABLE, f"{key}.select")
    for name in section.to:
        if name not in DIMENSIONS:
            raise unknown_key(name, DIMENSIONS, f"{key}.to")
    words = reattribution.Wording(
        section.id, _lists(section.select), section.to, section.version, _day(section.since), _day(section.until)
    )
    return _accepted(reattribution.make_rule(words), key)


def read_allocation(sections: Sequence[AllocationSection]) -> tuple[Rule, ...]:
    """Check the rules; raise `SettingsError`. A rule may stand there twice, in different versions."""
    rules = tuple(_rule(section, f"allocation[{i}]") for i, section in enumerate(sections))
    _distinct(rules, "allocation")
    return rules


def _distinct(rules: Sequence[Rule | reattribution.Rule], section: str) -> None:
    for i, rule in enumerate(rules):
        for j, other in enumerate(rules[:i]):
            if (rule.id, rule.version) == (other.id, other.version):
                raise SettingsError(
                    f"{section}[{i}].version", f"{rule.id!r} version {rule.version} is {section}[{j}] too"
                )


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
    return _accepted(rule, key)


def _accepted(rule: T | Rejected, key: str) -> T:
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
