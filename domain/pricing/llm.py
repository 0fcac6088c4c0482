"""Prices of LLM tokens: the user's own where there are some, else the data of genai-prices.

Models are matched as that package matches them, and its dates, times of day, tiers and variants hold. We are
stricter in two points: a variant that was asked for (batch, flex, priority) and has no price at that time is
unpriced, where the package falls back to the standard price; and a model without any token price is unpriced,
where the package says 0, unless its name says `:free`. Requests older than a model's first price get that
first price, as there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.pricing.catalogue import find
from domain.pricing.entry import canonical, in_force, wanted_by
from domain.pricing.plan import UNPRICED, Slot
from domain.pricing.quote import named
from domain.pricing.variants import variant

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from domain.pricing.entry import Entry
    from domain.usage import Attributes


class LlmPricing:
    """How calls with these attributes are priced. `listed`: whether list prices (US dollars) may be used."""

    def __init__(self, entries: Sequence[Entry], attributes: Attributes, *, listed: bool) -> None:
        self._variant = variant(attributes.service_tier, attributes.batch)
        self._provider = attributes.provider or ""
        self._model = (attributes.model or "").strip().lower()
        known = find(self._provider or None, self._model)
        self._listed = known if listed else None
        wanted = {**wanted_by(attributes), "variant": self._variant}
        aliases = {wanted["provider"]} if known is None else {wanted["provider"], canonical("provider", known.provider)}
        applying = [each for each in entries if any(each.applies({**wanted, "provider": name}) for name in aliases)]
        # A price for the very name that was called goes before one for the model it is an alias of.
        self._exact = [each for each in applying if each.model == self._model]
        self._alias = [each for each in applying if known is not None and each.model == known.model.id.lower()]

    def dates(self) -> Iterable[int]:
        """Return when an entry or a listed price comes into force."""
        yield from (each.since for each in (*self._exact, *self._alias) if each.since is not None)
        if self._listed is not None:
            yield from self._listed.dates(self._variant)

    def hours(self) -> Iterable[int]:
        """Return when in the day a listed price changes."""
        return () if self._listed is None else self._listed.hours(self._variant)

    def slot(self, at: int, clock: int) -> Slot:
        """Return the user's price in force, else the listed one."""
        entry = in_force(self._exact, at) or in_force(self._alias, at)
        if entry is not None:
            sku = "/".join(filter(None, [entry.provider or "*", entry.model, entry.region]))
            return Slot((), (named(sku, entry.since, entry.rates, _qualifier(self._variant)),))
        if self._listed is None:
            return UNPRICED
        tiers = self._listed.tiers(self._variant, clock)
        if not tiers:
            return UNPRICED
        since = max((each for each in self._listed.dates(self._variant) if each <= clock), default=None)
        sku = f"{self._listed.provider}/{self._listed.model.id}"
        quotes = [
            named(sku, since, rates, _qualifier(self._variant), f">{start}" if start else "") for start, rates in tiers
        ]
        return Slot(tuple(start for start, _ in tiers if start), tuple(quotes))


def _qualifier(name: str) -> str:
    return f"+{name}" if name else ""
