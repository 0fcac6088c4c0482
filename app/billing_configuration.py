"""The sections `[fx]` and `[billing]` of the configuration file: rates of your own, and tags that name a scope."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from app.typed_toml import SettingsError, typed, unknown_key
from domain.billing.tags import DEFAULT_KEYS
from domain.currencies import is_currency
from domain.fx import Month, OwnRate, Rates
from domain.money import ZERO
from domain.scope import DIMENSIONS
from domain.windows import HOUR, parse_length

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from domain.fx import DailyRates

ECB: Final = "ecb"
NONE: Final = "none"
_MONTH: Final = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


class _Rate(msgspec.Struct, forbid_unknown_fields=True, rename={"source": "from", "target": "to"}):
    month: str
    source: str
    target: str
    rate: Decimal


class FxSection(msgspec.Struct, forbid_unknown_fields=True):
    """`[fx]` as it is written."""

    source: str = ECB
    markup: Decimal = ZERO
    rates: list[_Rate] = []


class BillingSection(msgspec.Struct, forbid_unknown_fields=True):
    """`[billing]` as it is written."""

    tags: dict[str, Any] = {}
    folders: list[str] = []
    every: str = "6h"


class Bills(NamedTuple):
    """Where bills are looked for, and how often (seconds)."""

    folders: tuple[str, ...] = ()
    every: int = 6 * HOUR


class Fx(NamedTuple):
    """How amounts are converted: own rates, whether the ECB's fill the gaps, and the markup (0.02: 2 %)."""

    own: tuple[OwnRate, ...] = ()
    ecb: bool = True
    markup: Decimal = ZERO

    def rates(self, published: DailyRates) -> Rates:
        """Return the rates; `published` are the ECB's."""
        return Rates(own=self.own, published=published if self.ecb else None, markup=self.markup)


def read_fx(section: FxSection) -> Fx:
    """Check `[fx]`; raise `SettingsError`."""
    if section.source not in (ECB, NONE):
        raise SettingsError("fx.source", f"{section.source!r} is neither ecb nor none")
    if not section.markup.is_finite() or not -1 < section.markup < 1:
        raise SettingsError("fx.markup", f"{section.markup} is not a share such as 0.02")
    own = tuple(_own(rate, f"fx.rates[{i}]") for i, rate in enumerate(section.rates))
    for i, rate in enumerate(own):
        for other in own[:i]:
            if rate.month == other.month and {rate.source, rate.target} == {other.source, other.target}:
                raise SettingsError(f"fx.rates[{i}]", f"{rate.month} has a rate for {rate.source} and {rate.target}")
    return Fx(own, section.source == ECB, section.markup)


def _own(rate: _Rate, key: str) -> OwnRate:
    month = _MONTH.fullmatch(rate.month)
    if month is None:
        raise SettingsError(f"{key}.month", f"{rate.month!r} is not a month such as 2026-10")
    for name, code in (("from", rate.source), ("to", rate.target)):
        if not is_currency(code):
            raise SettingsError(f"{key}.{name}", f"{code!r} is not an ISO 4217 code such as USD")
    if not rate.rate.is_finite() or rate.rate <= 0:
        raise SettingsError(f"{key}.rate", f"{rate.rate} is not above 0")
    return OwnRate(Month(int(month[1]), int(month[2])), rate.source, rate.target, rate.rate)


def read_tags(section: BillingSection) -> Mapping[str, tuple[str, ...]]:
    """Return the accepted tag keys by dimension: the default ones for a dimension that is left out."""
    for name in section.tags:
        if name not in DIMENSIONS:
            raise unknown_key(name, DIMENSIONS, "billing.tags")
    return {**DEFAULT_KEYS, **{name: _tag_keys(keys, f"billing.tags.{name}") for name, keys in section.tags.items()}}


def _tag_keys(written: Any, key: str) -> tuple[str, ...]:
    keys = typed(written, list[str], key)
    for i, each in enumerate(keys):
        if not each.strip():
            raise SettingsError(f"{key}[{i}]", "must not be empty")
    return tuple(keys)


def read_bills(section: BillingSection, directory: Path) -> Bills:
    """Check where bills are looked for; a folder of this machine is relative to the file's directory."""
    for i, folder in enumerate(section.folders):
        if not folder.strip():
            raise SettingsError(f"billing.folders[{i}]", "must not be empty")
    every = parse_length(section.every)
    if every is None:
        raise SettingsError("billing.every", f"{section.every!r} is not a number of m, h or d such as 6h")
    folders = tuple(folder if "://" in folder else str(directory / folder) for folder in section.folders)
    return Bills(folders, every)
