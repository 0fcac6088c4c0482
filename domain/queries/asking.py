"""What a person asks, read into a query; whatever is wrong with it is a sentence for them.

Time is taken at minute resolution: a start is floored, an end is ceiled, and the answer says so.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from domain.rejection import Rejected
from domain.scope import DIMENSIONS
from domain.sources import BILLED, METERED
from domain.usage import DRIVERS
from domain.windows import MINUTE, Granularity, floor, parse_instant, parse_length

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FEATURE: Final = "feature"
DRIVER: Final = "driver"
RESOURCE_TYPE: Final = "resource_type"
# Not asked for by name; unit costs are grouped by it.
COST_UNIT: Final = "cost_unit"
PROVIDER: Final = "provider"
CATEGORY: Final = "category"
CHARGE_CATEGORY: Final = "charge_category"
# What the details of bills tell, by day.
DETAILS: Final = ("account", "billing_account", "service_name", "sku", "region", "unit")
FILTERS: Final = (*DIMENSIONS, DRIVER, RESOURCE_TYPE, PROVIDER, *DETAILS)
GROUPINGS: Final = (*FILTERS, CATEGORY, CHARGE_CATEGORY)
TOTAL: Final = "total"
BILLING: Final = "billing"
BEST: Final = "best"
SOURCES: Final = (METERED, BILLING, BEST)
MONTH_TO_DATE: Final = "mtd"
MAX_VALUES: Final = 50
MAX_VALUE_CHARS: Final = 256
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ONE_MINUTE: Final = timedelta(minutes=1)
# Usage events are of the years 2000 to 2099; a century of days is more than a query may span anyway.
_FIRST: Final = int(datetime(1970, 1, 1, tzinfo=UTC).timestamp())
_LAST: Final = int(datetime(2200, 1, 1, tzinfo=UTC).timestamp())


class Span(NamedTuple):
    """Time asked about: `[start, end)` in epoch seconds, both whole minutes."""

    start: int
    end: int

    @property
    def preceding(self) -> Span:
        """The span of the same length that ends where this one starts."""
        return Span(2 * self.start - self.end, self.start)


class CostQuery(NamedTuple):
    """One question; `granularity` None asks for the whole span at once.

    `filters` maps names of `FILTERS` to the values of which one must be met; empty selects everything. Of bills,
    cost on one basis and in these charge categories is meant (empty: all), and `billed_until` tells by provider up to
    which instant (epoch seconds) they are complete. `as_of` (milliseconds since 1970) asks for bills as they were known
    then; None: now.
    """

    span: Span
    filters: Mapping[str, frozenset[str]]
    group_by: tuple[str, ...] = ()
    granularity: Granularity | None = None
    source: str = BEST
    basis: str = BILLED
    categories: frozenset[str] = frozenset()
    billed_until: tuple[tuple[str, int], ...] = ()
    as_of: int | None = None

    @property
    def needs_details(self) -> bool:
        """Tell whether it asks what only the details of bills tell."""
        names = {*self.filters, *self.group_by}
        return self.source != METERED and (self.as_of is not None or not names.isdisjoint(DETAILS))


def parse_span(window: str | None, start: str | None, end: str | None, now: float) -> Span | Rejected:
    """Read `window` (`15m`, `24h`, `7d`, `mtd`), or `start` and `end` in RFC 3339; without an end: until now."""
    if window is not None:
        if start is not None or end is not None:
            return Rejected("window: give either window, or start and end")
        return _relative(window, now)
    if start is None:
        return Rejected("start: missing; give window, or start and end")
    try:
        span = Span(_minute(start, "start"), _ceil(now) if end is None else _minute(end, "end", up=True))
    except ValueError as error:
        return Rejected(str(error))
    if span.start < span.end:
        return span
    return Rejected(
        "start: must be before end" if end is not None else "start: must be before now, where no end is given"
    )


def parse_filters(given: Mapping[str, Sequence[str]]) -> dict[str, frozenset[str]] | Rejected:
    """Read the values wanted by name of `FILTERS`; several values of one name are alternatives."""
    filters: dict[str, frozenset[str]] = {}
    for name, values in given.items():
        if len(values) > MAX_VALUES:
            return Rejected(f"{name}: more than {MAX_VALUES} values")
        for value in values:
            if not 0 < len(value) <= MAX_VALUE_CHARS:
                return Rejected(f"{name}: a value has 1 to {MAX_VALUE_CHARS} characters; 'unattributed' is one")
            if name == DRIVER and value not in DRIVERS:
                return Rejected(f"driver: {value[:64]!r} is not one of {', '.join(DRIVERS)}")
        if values:
            filters[name] = frozenset(values)
    return filters


def parse_group_by(text: str | None) -> tuple[str, ...] | Rejected:
    """Read a comma list of `GROUPINGS`; a word that is named twice counts once."""
    names = [name.strip() for name in text.split(",")] if text else []
    for name in names:
        if name not in GROUPINGS:
            return Rejected(f"group_by: {name[:64]!r} is not one of {', '.join(GROUPINGS)}")
    return tuple(dict.fromkeys(names))


def parse_as_of(text: str | None) -> int | Rejected | None:
    """Read RFC 3339 into milliseconds since 1970; what came within the millisecond had come."""
    if text is None:
        return None
    try:
        return (parse_instant(text) - _EPOCH) // timedelta(milliseconds=1)
    except (ValueError, OverflowError) as error:
        return Rejected(f"as_of: {error}")


def parse_granularity(text: str) -> Granularity | Rejected | None:
    """Read `total`, `minute`, `hour` or `day`."""
    if text == TOTAL:
        return None
    try:
        return Granularity(text)
    except ValueError:
        return Rejected(f"granularity: {text[:64]!r} is not one of {TOTAL}, {', '.join(Granularity)}")


def parse_source(text: str) -> str | Rejected:
    """Read `metered`, `billing` (or `billed`) or `best`."""
    source = BILLING if text == "billed" else text
    return source if source in SOURCES else Rejected(f"source: {text[:64]!r} is not one of {', '.join(SOURCES)}")


def _relative(window: str, now: float) -> Span | Rejected:
    if window == MONTH_TO_DATE:
        first = datetime.fromtimestamp(now, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        return Span(int(first.timestamp()), _ceil(now))
    length = parse_length(window, digits=6)
    if length is None:
        return Rejected(
            f"window: {window[:64]!r} is not a number (1 to 999999) of m, h or d such as 15m, 24h, 30d, nor mtd"
        )
    start = floor(int(now) - length, MINUTE)
    return Span(start, _ceil(now)) if start >= _FIRST else Rejected(f"window: {window} is too long")


def _minute(text: str, name: str, *, up: bool = False) -> int:
    try:
        since = parse_instant(text) - _EPOCH
    except OverflowError:
        raise ValueError(f"{name}: {text!r} is out of range") from None
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    minute = (-(-since // _ONE_MINUTE) if up else since // _ONE_MINUTE) * MINUTE
    if not _FIRST <= minute <= _LAST:
        raise ValueError(f"{name}: {text!r} is not between 1970 and 2200")
    return minute


def _ceil(now: float) -> int:
    """Return the end of the minute that holds an instant."""
    return floor(int(now), MINUTE) + MINUTE
