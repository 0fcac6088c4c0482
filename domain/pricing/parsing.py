"""`[[prices]]` tables into entries.

A mistake is a `ValueError` of one sentence that names the key: `prices[3].unit: ...`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from difflib import get_close_matches
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from domain.money import parse_amount
from domain.pricing.entry import SELECTORS, Entry, canonical
from domain.pricing.tokens import FALLBACK, TOKEN_CLASSES
from domain.pricing.units import meter_unit, parse_unit, per_meter_unit, times
from domain.pricing.variants import variant
from domain.usage import DRIVERS, LLM_TOKENS
from domain.windows import parse_instant

if TYPE_CHECKING:
    from collections.abc import Sequence

_COMMON: Final = ("resource_type", "provider", "region", "unit", "effective_from", "currency", "source")
_FLAT: Final = (*_COMMON, *SELECTORS, "price", "multiplier", "upfront", "hourly", "term_hours")
_LLM: Final = (*_COMMON, "model", "service_tier", "batch", *TOKEN_CLASSES)
# Beyond these a price is a mistake, and exact sums of it would need more digits than money keeps.
MAX_PRICE: Final = Decimal("1e9")
MAX_RATE: Final = Decimal("1e12")
MAX_MULTIPLIER: Final = 1000
MAX_DECIMALS: Final = 18


def parse_entries(tables: Sequence[Mapping[str, Any]], *, currency: str, shipped: bool = False) -> list[Entry]:
    """Read price tables in the order of the file; all prices are in `currency`, the reporting currency."""
    entries: dict[tuple[object, ...], int] = {}
    parsed = []
    for index, table in enumerate(tables):
        key = f"prices[{index}]"
        entry = replace(_parse(table, key, currency), shipped=shipped)
        earlier = entries.setdefault(entry.identity, index)
        if earlier != index:
            raise ValueError(f"{key}: is for the same usage and date as prices[{earlier}]")
        parsed.append(entry)
    return parsed


def _parse(table: Mapping[str, Any], key: str, currency: str) -> Entry:
    if not isinstance(table, Mapping):
        raise ValueError(f"{key}: must be a table")  # noqa: TRY004 - a sentence for the user
    resource_type = _text(table, "resource_type", key)
    driver, _, meter = resource_type.partition(".")
    if driver not in DRIVERS or not meter:
        drivers = ", ".join(DRIVERS)
        raise ValueError(f"{key}.resource_type: {resource_type!r} is not <driver>.<meter>, driver one of {drivers}")
    _known(table, _LLM if resource_type == LLM_TOKENS else _FLAT, key)
    given = table.get("currency", currency)
    if given != currency:
        raise ValueError(f"{key}.currency: {given!r} is not the reporting currency {currency}")
    entry = Entry(
        resource_type=resource_type,
        rates=(),
        provider=_name(table, "provider", key),
        region=_name(table, "region", key),
        since=_since(table, key),
        source=_text(table, "source", key) if "source" in table else "",
    )
    return _llm(entry, table, key) if resource_type == LLM_TOKENS else _flat(entry, table, key)


def _flat(entry: Entry, table: Mapping[str, Any], key: str) -> Entry:
    selectors = tuple((name, value) for name in SELECTORS if (value := _name(table, name, key)) is not None)
    entry = replace(entry, selectors=selectors)
    factor = _number(table, "multiplier", key) if "multiplier" in table else None
    if factor is not None and factor > MAX_MULTIPLIER:
        raise ValueError(f"{key}.multiplier: must be {MAX_MULTIPLIER} at most")
    if factor is not None and not {"price", "hourly"} & table.keys():
        if not selectors:
            raise ValueError(f"{key}.multiplier: needs a price, or a selector ({', '.join(SELECTORS)}) to apply to")
        return replace(entry, multiplier=factor)
    rate = _rate(_price(table, key), table, key, entry.resource_type)
    if factor is not None:
        rate = times(rate, factor)
    return replace(entry, rates=(rate,))


def _price(table: Mapping[str, Any], key: str) -> Fraction:
    """Return what one `unit` costs: `price`, of a reservation its up-front part by hour plus the hourly."""
    amortised = [name for name in ("upfront", "hourly", "term_hours") if name in table]
    if not amortised:
        return Fraction(_number(table, "price", key))
    if "price" in table:
        raise ValueError(f"{key}.price: excludes {amortised[0]}; a reservation's price is worked out")
    if not str(table.get("unit", "")).endswith("_hour"):
        raise ValueError(f"{key}.unit: must be an hour of something (such as cpu_hour) for a reservation")
    hourly = Fraction(_number(table, "hourly", key)) if "hourly" in table else Fraction(0)
    if amortised == ["hourly"]:
        return hourly
    hours = Fraction(_number(table, "term_hours", key))
    if not hours:
        raise ValueError(f"{key}.term_hours: must be more than 0")
    return Fraction(_number(table, "upfront", key)) / hours + hourly


def _llm(entry: Entry, table: Mapping[str, Any], key: str) -> Entry:
    own = {name: Fraction(_number(table, name, key)) for name in TOKEN_CLASSES if name in table}
    if "input" not in own and "output" not in own:
        raise ValueError(f"{key}.input: missing; give the price of input and output tokens")
    unit = {"unit": "1m_tokens", **table}
    rates = {name: _rate(price, unit, key, LLM_TOKENS) for name, price in own.items() if name != "request"}
    if "request" in own:
        rates["request"] = _number(table, "request", key)
    label = variant(table.get("service_tier"), table.get("batch"))
    return replace(
        entry,
        model=_text(table, "model", key).strip().lower(),
        rates=tuple(_nearest(rates, name) for name in TOKEN_CLASSES),
        selectors=(("variant", label),),
    )


def _nearest(rates: Mapping[str, Decimal], name: str) -> Decimal:
    return next((rates[each] for each in (name, *FALLBACK[name]) if each in rates), Decimal(0))


def _rate(price: Fraction, table: Mapping[str, Any], key: str, resource_type: str) -> Decimal:
    try:
        rate = per_meter_unit(price, parse_unit(_text(table, "unit", key)), meter_unit(resource_type))
    except ValueError as error:
        text = str(error)
        raise ValueError(text if text.startswith(key) else f"{key}.unit: {text}") from None
    if rate > MAX_RATE:
        raise ValueError(f"{key}.unit: makes a metered unit cost more than {MAX_RATE:f}")
    return rate


def _known(table: Mapping[str, Any], keys: Sequence[str], key: str) -> None:
    for name in table:
        if name not in keys:
            close = get_close_matches(name, keys, n=1)
            hint = f"; did you mean {close[0]}?" if close else f"; there are {', '.join(keys)}"
            raise ValueError(f"{key}.{name}: is not a key of this price{hint}")


def _text(table: Mapping[str, Any], name: str, key: str) -> str:
    value = table.get(name)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{key}.{name}: {'missing' if value is None else 'must be a string that is not empty'}")
    return value


def _name(table: Mapping[str, Any], name: str, key: str) -> str | None:
    return canonical(name, _text(table, name, key)) if name in table else None


def _number(table: Mapping[str, Any], name: str, key: str) -> Decimal:
    value = table.get(name)
    if value is None:
        raise ValueError(f"{key}.{name}: missing")
    if isinstance(value, float):
        raise ValueError(f'{key}.{name}: write it as a string, "{value}", to keep it exact')  # noqa: TRY004 - as above
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"{key}.{name}: must be a decimal number in a string")  # noqa: TRY004 - as above
    try:
        number = parse_amount(str(value))
    except ValueError as error:
        raise ValueError(f"{key}.{name}: {error}") from None
    if not 0 <= number <= MAX_PRICE or int(number.as_tuple().exponent) < -MAX_DECIMALS:
        raise ValueError(f"{key}.{name}: must be from 0 to {MAX_PRICE:f}, with {MAX_DECIMALS} decimals at most")
    return number


def _since(table: Mapping[str, Any], key: str) -> int | None:
    given = table.get("effective_from")
    if given is None:
        return None
    try:
        moment = _moment(given)
    except ValueError as error:
        raise ValueError(f"{key}.effective_from: {error}") from None
    if moment.microsecond:
        raise ValueError(f"{key}.effective_from: must be a whole second")
    return int(moment.timestamp())


def _moment(given: object) -> datetime:
    """Read a date (midnight UTC) or a time with its offset, as text or as TOML's own types."""
    if isinstance(given, str):
        try:
            given = date.fromisoformat(given)
        except ValueError:
            return parse_instant(str(given))
    if isinstance(given, datetime):
        return parse_instant(given.isoformat())
    if isinstance(given, date):
        return datetime.combine(given, time(), UTC)
    raise ValueError("must be a date or an RFC 3339 time")
