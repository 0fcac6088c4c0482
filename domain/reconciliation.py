"""The metered estimate held against the bill: how far they are apart, what explains it, and what to change.

Metered and billed cost are compared by *subject* and day. A subject is a meter (`compute.gpu_hours`) of a provider
where a `Match` says which lines of its bills are that meter's; all else is compared by cost driver (`compute`), meters
and bills alike. Nothing is left out: what has no counterpart is compared with nothing.

Of a drift, billed - metered, the part that a price explains is the metered quantity at the implied price, less its
metered cost. The implied price is billed cost by billed quantity. What is left is *unexplained*: usage that was billed
and not metered, or the other way round. A price correction is proposed when a price explains something: with it, the
estimate would have been right for what was metered.

Where a bill tells no quantity of the meter, price and quantity cannot be told apart, and no part is explained. The
implied price is then by metered quantity: what a unit must cost if all that was billed was metered.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from domain.allocation.patterns import Pattern, all_fit
from domain.money import EXACT, RATIO, ZERO, add_up

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Prices that are proposed have 12 significant digits, ties to even.
PRICE: Final = Context(prec=12, rounding=ROUND_HALF_EVEN)
_PERCENT: Final = Decimal(100)


class Match(NamedTuple):
    """Lines of bills (by provider, service, SKU) that are of a meter; one billed unit is `factor` units of it."""

    meter: str
    select: tuple[Pattern, ...]
    factor: Decimal | None = None


class Metered(NamedTuple):
    """Usage of one meter on a day (epoch seconds of its midnight); `unpriced` events are in units, not in amount."""

    provider: str
    meter: str
    day: int
    units: Decimal
    amount: Decimal
    unpriced: int = 0


class Billed(NamedTuple):
    """Lines of a bill of one service and SKU on a day; `driver` is what it is compared as when nothing matches."""

    provider: str
    service: str
    sku: str
    driver: str
    day: int
    amount: Decimal
    quantity: Decimal | None = None
    unit: str = ""


class SkuSum(NamedTuple):
    """What the bill says of a SKU; `price` is the amount by quantity, None where not each line tells one."""

    service: str
    sku: str
    unit: str
    amount: Decimal
    quantity: Decimal | None
    price: Decimal | None


class Drift(NamedTuple):
    """One subject on one day; what cannot be said is None. `services` are the bill's names, as `service/sku`.

    Usage that has no price at all is metered at no amount that can be said: the whole bill is drift then.
    """

    provider: str
    subject: str
    day: int
    metered: Decimal | None
    billed: Decimal
    drift: Decimal
    drift_percent: Decimal | None
    explained: Decimal | None
    unexplained: Decimal
    metered_quantity: Decimal | None
    billed_quantity: Decimal | None
    metered_price: Decimal | None
    implied_price: Decimal | None
    proposed_price: Decimal | None
    unpriced: int
    services: tuple[str, ...]
    skus: tuple[SkuSum, ...] = ()


class _Key(NamedTuple):
    day: int
    provider: str
    subject: str


@dataclass
class _Sides:
    metered: list[Metered] = field(default_factory=list)
    billed: list[tuple[Billed, Match | None]] = field(default_factory=list)


def reconcile(metered: Iterable[Metered], billed: Iterable[Billed], matches: Sequence[Match] = ()) -> list[Drift]:
    """Compare; in order of days, then the farthest apart first."""
    sides: defaultdict[_Key, _Sides] = defaultdict(_Sides)
    meters = {match.meter for match in matches}
    for usage in metered:
        subject = usage.meter if usage.meter in meters else usage.meter.partition(".")[0]
        sides[_Key(usage.day, usage.provider, subject)].metered.append(usage)
    for line in billed:
        match = _match(line, matches)
        subject = line.driver if match is None else match.meter
        sides[_Key(line.day, line.provider, subject)].billed.append((line, match))
    found = [_drift(key, each) for key, each in sides.items()]
    return sorted(found, key=lambda each: (each.day, each.drift.copy_abs().copy_negate(), each.provider, each.subject))


def _match(line: Billed, matches: Sequence[Match]) -> Match | None:
    facts = {"provider": line.provider, "service": line.service, "sku": line.sku}
    return next((match for match in matches if all_fit(match.select, facts)), None)


def _drift(key: _Key, sides: _Sides) -> Drift:
    metered = add_up(each.amount for each in sides.metered)
    billed = add_up(line.amount for line, _ in sides.billed)
    drift = EXACT.subtract(billed, metered)
    units = _metered_quantity(sides.metered)
    quantity = _billed_quantity(sides.billed)
    explained = _explained(metered, units, billed, quantity)
    implied = _implied(key, sides, billed, units if quantity is None else quantity)
    is_wrong = explained if quantity is not None else drift
    unpriced = sum(each.unpriced for each in sides.metered)
    known = bool(metered) or not unpriced
    return Drift(
        key.provider,
        key.subject,
        key.day,
        metered if known else None,
        billed,
        drift,
        PRICE.multiply(PRICE.divide(drift, metered), _PERCENT) if metered else None,
        explained,
        EXACT.subtract(drift, explained or ZERO),
        units,
        quantity,
        PRICE.divide(metered, units) if units and known else None,
        implied,
        implied if is_wrong else None,
        unpriced,
        tuple(sorted({f"{line.service}/{line.sku}".removesuffix("/") for line, _ in sides.billed})),
        _by_sku(line for line, _ in sides.billed),
    )


def _by_sku(lines: Iterable[Billed]) -> tuple[SkuSum, ...]:
    """Sum lines of a bill by service, SKU and unit; dearest first, and then by name."""
    found: defaultdict[tuple[str, str, str], list[Billed]] = defaultdict(list)
    for line in lines:
        found[line.service, line.sku, line.unit].append(line)
    sums = []
    for key, each in sorted(found.items()):
        amount = add_up(line.amount for line in each)
        told = [line.quantity for line in each if line.quantity is not None]
        quantity = add_up(told) if len(told) == len(each) else None
        sums.append(SkuSum(*key, amount, quantity, PRICE.divide(amount, quantity) if quantity else None))
    return tuple(sorted(sums, key=lambda each: each.amount.copy_abs().copy_negate()))


def _implied(key: _Key, sides: _Sides, billed: Decimal, quantity: Decimal | None) -> Decimal | None:
    """Return the price of a unit of the meter that its bill comes to; a cost driver has no unit."""
    is_meter = any(match is not None and match.meter == key.subject for _, match in sides.billed)
    return PRICE.divide(billed, quantity) if is_meter and quantity else None


def _metered_quantity(usage: Sequence[Metered]) -> Decimal | None:
    """Return the sum of one meter's units; those of several are not to be added."""
    return add_up(each.units for each in usage) if len({each.meter for each in usage}) == 1 else None


def _billed_quantity(lines: Sequence[tuple[Billed, Match | None]]) -> Decimal | None:
    """Return the quantity in units of the meter; None unless each line tells one, and it is not zero."""
    found = []
    for line, match in lines:
        if match is None or match.factor is None or line.quantity is None:
            return None
        found.append(EXACT.multiply(line.quantity, match.factor))
    return add_up(found) or None


def _explained(metered: Decimal, units: Decimal | None, billed: Decimal, quantity: Decimal | None) -> Decimal | None:
    if units is None or quantity is None:
        return None
    at_implied_price = RATIO.divide(EXACT.multiply(billed, units), quantity)
    return EXACT.subtract(at_implied_price, metered)
