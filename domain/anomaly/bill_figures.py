"""What the difference of a billed day is made of, and who contributes: exactly, as for metered cost, and more.

- fx: what the day would have cost less at the rate of the days before, by currency;
- correction: what was booked below zero, and what a restatement changed of a day that was judged before;
- allocation: what a restatement moved from one scope to another, so that it is nobody's cost but somebody else's;
- price, volume and mix of the rest: by SKU, from quantities where the bill tells them.
"""

from __future__ import annotations

import math
from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from domain.anomaly.bills import ACCOUNT_SERVICE, keys_of
from domain.anomaly.bounds import to_float
from domain.anomaly.daily import lumped
from domain.anomaly.decomposition import Decomposition, rounded
from domain.anomaly.episodes import Figures, terms_of
from domain.money import ZERO, add, add_up
from domain.scope import DIMENSIONS, UNATTRIBUTED
from domain.windows import DAY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from domain.anomaly.bills import Billed, BillLine
    from domain.anomaly.daily import DailyState
    from domain.anomaly.hours import ScopeKey
    from domain.anomaly.stories import Finding

TOP: Final = 3
_WORTH: Final = 0.1
_DUST: Final = Decimal("0.0001")


class Restated(NamedTuple):
    """What a restatement changed of a scope's day: its own part, and what moved between scopes."""

    correction: Decimal = ZERO
    allocation: Decimal = ZERO


def bill_figures(
    finding: Finding,
    day: int,
    billed: Billed,
    state: DailyState,
    restated: Restated,
    drilled: Iterable[tuple[str, str, Decimal]],
) -> Figures:
    """Return the figures of an odd day."""
    expected, found = rounded(finding.judged.expected), finding.judged
    return Figures(
        hour=day,
        actual=add_up(part.amount for part in billed.parts.values()),
        expected=expected,
        deviation=rounded(found.deviation),
        sigma=found.z,
        terms=tuple(decompose_bill(billed, expected, state, restated)),
        contributors=tuple(drilled),
        width=DAY,
    )


def decompose_bill(billed: Billed, expected: Decimal, state: DailyState, restated: Restated) -> Decomposition:
    """Split `actual - expected`; the terms sum to it, to the last digit."""
    whole = _price_volume_mix(billed, expected, state)
    fx = _fx(billed, state)
    # A price in another currency is dearer by its rate: that part of it is not the provider's doing.
    terms = whole._replace(price=add(whole.price, -fx), fx=fx)
    moved = add(restated.correction, restated.allocation)
    if not moved:
        return terms
    # What was restated is part of what looks like volume, mix or price: of the largest of its sign.
    names = [name for name in ("volume", "mix", "price") if getattr(terms, name) * moved > 0] or ["mix"]
    largest = max(names, key=lambda name: abs(getattr(terms, name)))
    correction = add(terms.correction, restated.correction)
    rest = add(getattr(terms, largest), -moved)
    return terms._replace(**{largest: rest}, correction=correction, allocation=restated.allocation)


def _price_volume_mix(billed: Billed, expected: Decimal, state: DailyState) -> Decomposition:
    """Split by kind of charge: volume is more or less of what is usual, mix is what is new or gone."""
    booked = [part.amount for part in billed.parts.values()]
    correction = add_up(amount for amount in booked if amount < 0)
    actual = add_up(amount for amount in booked if amount >= 0)
    level = sum(usual[1] for usual in state.kinds.values())
    if level <= 0:
        return Decomposition(ZERO, ZERO, add(actual, -expected), ZERO, ZERO, correction)
    scale = to_float(expected) / level
    price, volume = 0.0, 0.0
    for kind, (units, amount) in lumped(state, billed.parts).items():
        if usual := state.kinds.get(kind):
            at_usual = amount if usual[0] == usual[1] else units * usual[1] / usual[0]
            price += amount - at_usual
            volume += at_usual - usual[1] * scale
    price_term, volume_term = rounded(price), rounded(volume)
    mix = add_up((actual, -expected, -price_term, -volume_term))
    if abs(mix) < _DUST:
        # What rounding has left is no charge that is new or gone.
        mix, volume_term = ZERO, add(volume_term, mix)
    return Decomposition(price_term, volume_term, mix, ZERO, ZERO, correction)


def _fx(billed: Billed, state: DailyState) -> Decimal:
    """Return what rates have added: what was billed, at the rate of the day less at the usual one."""
    more = ZERO
    for currency, (original, amount) in billed.originals.items():
        usual = state.rates.get(currency)
        if usual is not None and not math.isclose(to_float(original) * usual, to_float(amount), rel_tol=1e-9):
            more = add(more, add(amount, -rounded(to_float(original) * usual)))
    return more


def drill_bill(
    finding: Finding, lines: Iterable[BillLine], before: Iterable[BillLine]
) -> Iterator[tuple[str, str, Decimal]]:
    """Yield which values make most of the difference, largest first; `before` is what earlier days were like."""
    whole, expected = finding.judged.difference, finding.judged.expected
    now, usual = _sums(finding.key, lines), _sums(finding.key, before)
    level = usual.pop(("", ""), 0.0)
    now.pop(("", ""), None)
    shares = {each: amount / level for each, amount in usual.items()} if level > 0 else {}
    found = [
        (dimension, value, now.get((dimension, value), 0.0) - shares.get((dimension, value), 0.0) * expected)
        for dimension, value in sorted({*now, *shares})
        if value not in ("", UNATTRIBUTED)
    ]
    worth = [each for each in found if each[2] * whole > 0 and abs(each[2]) >= _WORTH * abs(whole)]
    counts: defaultdict[str, int] = defaultdict(int)
    for dimension, value, more in sorted(worth, key=lambda each: -abs(each[2])):
        counts[dimension] += 1
        if counts[dimension] <= TOP:
            yield dimension, value, rounded(more)


def _sums(key: ScopeKey, lines: Iterable[BillLine]) -> dict[tuple[str, str], float]:
    """Sum the lines of a scope by every dimension and value that it leaves open; `("", "")` is all of them."""
    closed = terms_of(key)
    sums: defaultdict[tuple[str, str], float] = defaultdict(float)
    for line in lines:
        driver = line.resource_type.partition(".")[0]
        if driver != key[2] or key not in keys_of(line, driver):
            continue
        amount = to_float(line.amount)
        sums["", ""] += amount
        named: Mapping[str, str] = {
            **dict(zip(DIMENSIONS, line.values, strict=True)),
            "account": line.account, "service_name": line.service_name, "sku": line.sku, "region": line.region,
            "resource_type": line.resource_type,
        }  # fmt: skip
        for dimension, value in named.items():
            if dimension not in closed:
                sums[dimension, value] += amount
    return dict(sums)


def is_account(key: ScopeKey) -> bool:
    """Tell whether a key is an account and service, not a scope."""
    return key[0] == ACCOUNT_SERVICE
