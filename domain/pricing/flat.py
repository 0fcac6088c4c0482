"""Prices of everything that is counted in one unit: compute, storage, network, requests, seats, credits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.pricing.entry import ON_DEMAND, STANDARD_CLASS, in_force, wanted_by
from domain.pricing.plan import UNPRICED, Slot
from domain.pricing.quote import named
from domain.pricing.units import times

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from domain.pricing.entry import Entry, Wanted
    from domain.usage import Attributes

_LIST: dict[str, str] = {"storage_class": STANDARD_CLASS, "purchase": ON_DEMAND}


class FlatPricing:
    """How usage with these attributes is priced by the entries of its meter."""

    def __init__(self, entries: Sequence[Entry], attributes: Attributes) -> None:
        self._entries = entries
        self._wanted = wanted_by(attributes)

    def dates(self) -> Iterable[int]:
        """Return when an entry comes into force."""
        return [entry.since for entry in self._entries if entry.since is not None]

    def hours(self) -> Iterable[int]:
        """Return nothing: these prices do not depend on the time of day."""
        return ()

    def slot(self, at: int, clock: int) -> Slot:
        """Return the price in force, times the multipliers for what it does not name itself."""
        del clock
        multipliers = self._multipliers(at)
        entry = self._price(self._wanted, at)
        if entry is None and multipliers:
            entry = self._price({**self._wanted, **_without(multipliers)}, at)
        if entry is None:
            return UNPRICED
        used = [multiplier for multiplier in multipliers if not set(multiplier.selectors) & set(entry.selectors)]
        (rate,) = entry.rates
        for each in used:
            if each.multiplier is not None:
                rate = times(rate, each.multiplier)
        since = max((each.since for each in (entry, *used) if each.since is not None), default=None)
        return Slot((), (named(_sku(entry, used), since, (rate,)),))

    def _price(self, wanted: Wanted, at: int) -> Entry | None:
        return in_force((each for each in self._entries if each.multiplier is None and each.applies(wanted)), at)

    def _multipliers(self, at: int) -> list[Entry]:
        """Return, for each combination of selectors, the multiplier that counts."""
        found: dict[tuple[tuple[str, str], ...], list[Entry]] = {}
        for each in self._entries:
            if each.multiplier is not None and each.applies(self._wanted):
                found.setdefault(each.selectors, []).append(each)
        counting = (in_force(each, at) for each in found.values())
        return [each for each in counting if each is not None]


def _without(multipliers: Iterable[Entry]) -> Wanted:
    """Return the list price's values of the selectors that multipliers account for."""
    names = {name for each in multipliers for name, _ in each.selectors}
    return {name: value for name, value in _LIST.items() if name in names}


def _sku(entry: Entry, multipliers: Iterable[Entry]) -> str:
    place = [entry.provider or "*", entry.region] if entry.region else [entry.provider]
    sku = "/".join(filter(None, [entry.resource_type, *place]))
    chosen = [value for each in (*multipliers, entry) for name, value in each.selectors if value != _LIST.get(name)]
    return "+".join([sku, *chosen])
