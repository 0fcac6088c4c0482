"""A reconciliation as `GET /reconciliation` writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from domain.money import ZERO, add_up, quantity_to_text, to_text
from domain.windows import DAY, bounds, to_rfc3339

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from decimal import Decimal

    from domain.queries import Span
    from domain.reconciliation import Drift, SkuSum

_MONEY: Final = ("metered", "billed", "drift", "explained", "unexplained")
_NUMBERS: Final = (
    "drift_percent", "metered_quantity", "billed_quantity", "metered_price", "implied_price", "proposed_price",
)  # fmt: skip


def as_json(drifts: Sequence[Drift], currency: str, span: Span, until: Mapping[str, int]) -> dict[str, Any]:
    """Return the answer; `until` tells by provider before which instant bills are complete."""
    return {
        "currency": currency,
        "window": bounds(*span),
        "metered": to_text(add_up(each.metered or ZERO for each in drifts)),
        "billed": to_text(add_up(each.billed for each in drifts)),
        "drift": to_text(add_up(each.drift for each in drifts)),
        "lines": [_line(each, until) for each in drifts],
    }


def _line(each: Drift, until: Mapping[str, int]) -> dict[str, Any]:
    return {
        "provider": each.provider,
        "subject": each.subject,
        "day": to_rfc3339(each.day),
        "complete": each.day + DAY <= until.get(each.provider, 0),
        **{name: _text(getattr(each, name), to_text) for name in _MONEY},
        **{name: _text(getattr(each, name), quantity_to_text) for name in _NUMBERS},
        "unpriced": each.unpriced,
        "services": list(each.services),
        "skus": [_sku(sku) for sku in each.skus],
    }


def _sku(each: SkuSum) -> dict[str, Any]:
    return {
        "service": each.service,
        "sku": each.sku,
        "unit": each.unit,
        "amount": to_text(each.amount),
        "quantity": _text(each.quantity, quantity_to_text),
        "price": _text(each.price, quantity_to_text),
    }


def _text(value: Decimal | None, write: Callable[[Decimal], str]) -> str | None:
    return None if value is None else write(value)
