"""What a unit of usage costs: the price log, and how a kind of usage finds its price in it."""

from __future__ import annotations

from domain.pricing.book import PriceBook
from domain.pricing.quote import Quote
from domain.pricing.tokens import TOKEN_CLASSES, disjoint

__all__ = ["TOKEN_CLASSES", "PriceBook", "Quote", "disjoint"]
