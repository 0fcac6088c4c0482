"""The one place that reads genai-prices: its models, and what a token of each class costs there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from genai_prices.data import providers
from genai_prices.data_snapshot import DataSnapshot
from genai_prices.types import ModelPrice, StartDateConstraint, TieredPrices, TimeOfDateConstraint

from domain.money import EXACT, ZERO
from domain.pricing.tokens import FALLBACK, TOKEN_CLASSES
from domain.pricing.units import plain
from domain.pricing.variants import STANDARD
from domain.windows import DAY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import time
    from decimal import Decimal

    from genai_prices.types import ConditionalPrice, ModelInfo, PriceVariant

    Prices = dict[str, Decimal | TieredPrices]

_KEYS: Final = {
    "input": "input_mtok", "cache_read": "cache_read_mtok", "cache_write": "cache_write_mtok",
    "cache_write_5m": "cache_write_5m_mtok", "cache_write_1h": "cache_write_1h_mtok",
    "input_audio": "input_audio_mtok", "cache_audio_read": "cache_audio_read_mtok", "output": "output_mtok",
    "output_audio": "output_audio_mtok", "reasoning": "output_reasoning_mtok", "request": "requests_kcount",
}  # fmt: skip
# Prices are per 10^6 tokens or 10^3 requests: dividing by either is a shift of the decimal point, exact.
_SHIFT: Final = {name: -3 if name == "request" else -6 for name in TOKEN_CLASSES}
# The keys by which the package's data tells variants apart: batch, service tiers, fast mode.
_CONTEXT: Final = ("processing", "service_tier", "speed")
_FREE: Final = ":free"
# What a cloud's other meters are labelled with, and the package does not know it by.
_ALIASES: Final = {"gcp": "google"}


@dataclass(frozen=True, slots=True)
class Listed:
    """A model with list prices, at the provider (its id) that serves it."""

    provider: str
    model: ModelInfo
    own: bool
    """Whether the provider lists it itself; the variants of another provider's list do not hold there."""

    def dates(self, variant: str) -> list[int]:
        """Return the instants (epoch seconds, midnight UTC) from which a price of this variant holds."""
        found = (each.constraint for each in self._conditional(variant))
        return [_midnight(each.start_date) for each in found if isinstance(each, StartDateConstraint)]

    def hours(self, variant: str) -> list[int]:
        """Return the seconds of the UTC day at which a price of this variant starts or ends each day."""
        found = (each.constraint for each in self._conditional(variant))
        spans = [(each.start_time, each.end_time) for each in found if isinstance(each, TimeOfDateConstraint)]
        return [_second_of_day(edge) for span in spans for edge in span]

    def tiers(self, variant: str, at: int) -> list[tuple[int, tuple[Decimal, ...]]]:
        """Return `(boundary, rates per token)` by context size, the first at 0; empty when unpriced.

        A tier holds for requests with more input tokens than its boundary, for all their tokens.
        """
        prices = self._prices(variant, _moment(at))
        if prices is None:
            return []
        starts = {tier.start for each in prices.values() if isinstance(each, TieredPrices) for tier in each.tiers}
        return [(start, _rates(prices, start)) for start in (0, *sorted(starts - {0}))]

    def _prices(self, variant: str, moment: datetime) -> Prices | None:
        context = dict.fromkeys(_CONTEXT, variant)
        if variant != STANDARD and not any(_active(each, moment) for each in self._variants(variant)):
            return None
        found = self.model.get_prices(moment, None if variant == STANDARD else context)
        prices = {name: value for name, key in _KEYS.items() if (value := getattr(found, key)) is not None}
        free = not _stored(found) and self.model.id.endswith(_FREE)
        return prices if free or prices.keys() & {"input", "output"} else None

    def _variants(self, variant: str) -> list[PriceVariant]:
        if variant == STANDARD or not self.own:
            return []
        context = dict.fromkeys(_CONTEXT, variant)
        return [
            each
            for each in self.model.price_variants or ()
            if all(context.get(name) == value for name, value in each.when.items())
        ]

    def _conditional(self, variant: str) -> Iterator[ConditionalPrice | PriceVariant]:
        if not isinstance(self.model.prices, ModelPrice):
            yield from self.model.prices
        yield from self._variants(variant)


def find(provider: str | None, model: str) -> Listed | None:
    """Find a model as genai-prices does; None when it knows no such provider or model."""
    provider = None if provider is None else _ALIASES.get(provider.strip().lower(), provider)
    # A snapshot remembers every name it was asked for; a new one forgets what senders make up.
    snapshot = DataSnapshot(providers=providers, from_auto_update=False)
    try:
        owner, found = snapshot.find_provider_model(model, None, provider, None)
    except LookupError:
        return None
    return Listed(owner.id, found, own=any(each is found for each in owner.models))


def _rates(prices: Prices, boundary: int) -> tuple[Decimal, ...]:
    """Return the rates of requests with more than `boundary` input tokens, up to the next one."""
    return tuple(_rate(prices, name, boundary) for name in TOKEN_CLASSES)


def _rate(prices: Prices, name: str, boundary: int) -> Decimal:
    source = next((each for each in (name, *FALLBACK[name]) if each in prices), None)
    if source is None:
        return ZERO
    price = prices[source]
    if isinstance(price, TieredPrices):
        reached = [tier.price for tier in price.tiers if tier.start <= boundary]
        price = reached[-1] if boundary and reached else price.base
    return plain(EXACT.scaleb(price, _SHIFT[source]))


def _active(variant: PriceVariant, moment: datetime) -> bool:
    return variant.constraint is None or variant.constraint.active(moment)


def _stored(prices: ModelPrice) -> bool:
    return any(value is not None for value in vars(prices).values())


def _midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def _second_of_day(edge: time) -> int:
    offset = edge.utcoffset() or timedelta()
    return (edge.hour * 3600 + edge.minute * 60 + edge.second - int(offset.total_seconds())) % DAY


def _moment(at: int) -> datetime:
    """Return an instant as a time, before 1970 the same hour of its first day: no price is older."""
    return datetime.fromtimestamp(max(at, at % DAY), UTC)
