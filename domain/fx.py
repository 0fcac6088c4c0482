"""Foreign exchange: one rate per month and pair of currencies, so that a month comes to the same whoever converts it.

A month's rate is the mean over its calendar days of the daily reference rate, where a day without one (weekend,
holiday) has that of the last day before it that has one; between two currencies it is the quotient of their means.
It is rounded once, to 10 significant digits, half to even. A month has a rate once its last working day, or one after
it, has one: from then on all of its days are known, and it never changes again. Own rates win over daily ones. A rate
that is not known is an error that names it; nothing is ever converted at 1.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from domain.money import EXACT, ZERO, add_up

if TYPE_CHECKING:
    from collections.abc import Iterable

# Digits of a published rate: six; ten keep the rounding of a mean far below a cent in a million.
RATE_DIGITS: Final = 10
# The ECB's longest closure is five days; a longer gap means that a currency is no longer, or not yet, quoted.
MAX_GAP: Final = timedelta(days=7)
_RATE: Final = Context(prec=RATE_DIGITS, rounding=ROUND_HALF_EVEN)
_ONE: Final = Decimal(1)
_FRIDAY: Final = 4


class Month(NamedTuple):
    """A calendar month."""

    year: int
    month: int

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"

    @property
    def days(self) -> list[date]:
        """Its days."""
        return [date(self.year, self.month, day) for day in range(1, monthrange(self.year, self.month)[1] + 1)]


class MissingRateError(LookupError):
    """No rate of a pair is known for a month; the text names both."""

    def __init__(self, source: str, target: str, month: Month) -> None:
        super().__init__(f"no rate from {source} to {target} for {month}; add it as [[fx.rates]] to the configuration")
        self.pair = (source, target)
        self.month = month


class DailyRates(Protocol):
    """Published rates: how much of a currency one unit of the base buys on a day, None when none was published."""

    @property
    def base(self) -> str:
        """The currency that the rates are of."""

    def on(self, day: date, currency: str) -> Decimal | None:
        """Return the rate that was published for a day."""


class OwnRate(NamedTuple):
    """A rate that you set: one unit of `source` is `rate` of `target` in a month."""

    month: Month
    source: str
    target: str
    rate: Decimal


class Rates:
    """Rates by month and pair: own ones, then means of published ones; `markup` (0.02: 2 %) goes on a conversion."""

    def __init__(
        self, *, own: Iterable[OwnRate] = (), published: DailyRates | None = None, markup: Decimal = ZERO
    ) -> None:
        self._own = {(rate.month, rate.source, rate.target): rate.rate for rate in own}
        self._published = published
        self._factor = EXACT.add(_ONE, markup)
        self._known: dict[tuple[Month, str, str], Decimal] = {}

    def rate(self, source: str, target: str, month: Month) -> Decimal:
        """Return what one unit of `source` is in `target`, without markup. Raises `MissingRateError`."""
        if source == target:
            return _ONE
        key = (month, source, target)
        if key not in self._known:
            self._known[key] = self._find(source, target, month)
        return self._known[key]

    def convert(self, amount: Decimal, source: str, target: str, month: Month) -> Decimal:
        """Return an amount in another currency, exactly rate x (1 + markup). Raises `MissingRateError`."""
        if source == target:
            return amount
        return EXACT.multiply(EXACT.multiply(amount, self.rate(source, target, month)), self._factor)

    def _find(self, source: str, target: str, month: Month) -> Decimal:
        if (own := self._own.get((month, source, target))) is not None:
            return own
        if (inverse := self._own.get((month, target, source))) is not None:
            return _RATE.divide(_ONE, inverse)
        if self._published is None:
            raise MissingRateError(source, target, month)
        per_source = _sum_of_days(self._published, source, month)
        per_target = _sum_of_days(self._published, target, month)
        if per_source is None or per_target is None:
            raise MissingRateError(source, target, month)
        # Both sums are over the same days, so this is the quotient of the means, rounded once.
        return _RATE.divide(per_target, per_source)


def _sum_of_days(published: DailyRates, currency: str, month: Month) -> Decimal | None:
    """Return the sum of a month's daily rates; None unless each day has one, or one shortly before it, for good."""
    if currency == published.base:
        return Decimal(len(month.days))
    if not _is_over(published, currency, month):
        return None
    found = [last_published(published, currency, day) for day in month.days]
    known = [rate for rate in found if rate is not None]
    return add_up(known) if len(known) == len(found) else None


def _is_over(published: DailyRates, currency: str, month: Month) -> bool:
    """Tell whether no later publication can change the month: there is a rate of its end."""
    last = month.days[-1]
    working = last - timedelta(days=max(0, last.weekday() - _FRIDAY))
    days = (last + MAX_GAP - working).days + 1
    return any(published.on(working + timedelta(days=ahead), currency) is not None for ahead in range(days))


def last_published(published: DailyRates, currency: str, day: date) -> Decimal | None:
    """Return the rate of a day, or of the last before it that has one, at most a week back: on a Sunday, Friday's."""
    for back in range(MAX_GAP.days + 1):
        rate = published.on(day - timedelta(days=back), currency)
        if rate is not None:
            return rate
    return None
