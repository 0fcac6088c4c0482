"""The price book: what a unit of any usage cost at its time, in the reporting currency."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from domain.money import quantity_to_text
from domain.pricing.flat import FlatPricing
from domain.pricing.llm import LlmPricing
from domain.pricing.parsing import parse_entries
from domain.pricing.plan import Plan
from domain.usage import LLM_TOKENS
from domain.windows import to_rfc3339

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from domain.pricing.entry import Entry
    from domain.pricing.plan import Pricing, Slot
    from domain.pricing.quote import Quote
    from domain.usage import Attributes

# What the shipped prices and the list prices of genai-prices are in.
LIST_CURRENCY: Final = "USD"
# Plans kept at a time; names longer than this are nobody's provider or model, and not kept.
MAX_PLANS: Final = 50_000
MAX_KEPT_CHARS: Final = 1_000


class PriceBook:
    """The log of prices, and the plans made of it.

    An event is priced by what was in force at its time, so a new price never changes the cost of what came
    before it. `entries` are the user's and the shipped ones; `currency` is what they are all in. List prices
    of LLM tokens are in US dollars and left out of a book in another currency: unpriced, rather than wrong.
    """

    def __init__(self, entries: Sequence[Entry], currency: str = LIST_CURRENCY) -> None:
        self.currency = currency
        self._entries = tuple(entries)
        self._meters: dict[str, list[Entry]] = {LLM_TOKENS: []}
        for entry in self._entries:
            self._meters.setdefault(entry.resource_type, []).append(entry)
        self._plans: dict[str, dict[Attributes, Plan]] = {meter: {} for meter in self._meters}
        self._kept = 0

    @classmethod
    def load(cls, tables: Sequence[Mapping[str, Any]] = (), currency: str = LIST_CURRENCY) -> PriceBook:
        """Make a book of `[[prices]]` tables over the shipped prices; `ValueError` names a mistaken key.

        Shipped prices stand where no table is for the usage, and before the first that is comes into force.
        """
        own = parse_entries(tables, currency=currency)
        return cls([*own, *shipped_entries()] if currency == LIST_CURRENCY else own, currency)

    def quote(self, resource_type: str, attributes: Attributes, at: int, input_tokens: int = 0) -> Quote | None:
        """Return the price of usage at `at` (epoch seconds), or None: unpriced, which is not free.

        `input_tokens`, all of a request's, choose the tier of LLM prices by context size; at a boundary the
        lower.
        """
        plans = self._plans.get(resource_type)
        if plans is None:
            return None
        plan = plans.get(attributes) or self._plan(resource_type, attributes)
        return plan.only if plan.constant else plan.quote(at, input_tokens)

    def tiers(self, resource_type: str, attributes: Attributes, at: int) -> tuple[int, ...]:
        """Return the input-token counts above which another price holds for the whole request."""
        plans = self._plans.get(resource_type)
        if plans is None:
            return ()
        return (plans.get(attributes) or self._plan(resource_type, attributes)).slot(at).boundaries

    def slot(self, resource_type: str, attributes: Attributes, at: int) -> Slot:
        """Work out the prices at an instant from the log, without plans: slow; `quote` must agree."""
        return self._pricing(resource_type, attributes).slot(at, at)

    def describe(self) -> list[dict[str, str]]:
        """Return the log for people, a row an entry, the user's first; LLM list prices are not among them."""
        return [_row(entry) for entry in self._entries]

    def _pricing(self, resource_type: str, attributes: Attributes) -> Pricing:
        entries = self._meters.get(resource_type, ())
        if resource_type == LLM_TOKENS:
            return LlmPricing(entries, attributes, listed=self.currency == LIST_CURRENCY)
        return FlatPricing(entries, attributes)

    def _plan(self, resource_type: str, attributes: Attributes) -> Plan:
        plan = Plan(self._pricing(resource_type, attributes))
        if len(str(attributes)) <= MAX_KEPT_CHARS:
            if self._kept >= MAX_PLANS:
                self._plans, self._kept = {meter: {} for meter in self._meters}, 0
            self._plans[resource_type][attributes] = plan
            self._kept += 1
        return plan


def shipped_entries() -> list[Entry]:
    """Read the default price book, `domain/prices.toml`."""
    text = files("domain").joinpath("prices.toml").read_text(encoding="utf-8")
    return parse_entries(tomllib.loads(text)["prices"], currency=LIST_CURRENCY, shipped=True)


def _row(entry: Entry) -> dict[str, str]:
    multiplier = "" if entry.multiplier is None else f"x {quantity_to_text(entry.multiplier)}"
    return {
        "resource_type": entry.resource_type,
        "provider": entry.provider or "",
        "region": entry.region or "",
        "model": entry.model or "",
        "selectors": ", ".join(f"{name}={value}" for name, value in entry.selectors if value),
        "effective_from": "" if entry.since is None else to_rfc3339(entry.since),
        "rates": " ".join(map(quantity_to_text, entry.rates)) or multiplier,
        "source": entry.source if entry.shipped else entry.source or "configuration",
    }
