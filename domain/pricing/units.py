"""Units of prices and meters, and the exact conversion of one into the other.

A meter's own unit is the end of its name: `compute.cpu_seconds` counts CPU seconds, `storage.gb_months`
gigabyte months, `network.egress_gb` gigabytes. A price may name any unit of the same dimension: `cpu_hour`
for the first, `gib_hour` or `tb_month` for the second, `1k_requests` or `1m_calls` where things are counted.
GB is 10^9 bytes, GiB 2^30, a month 30.4375 days.
"""

from __future__ import annotations

import re
from decimal import Decimal
from difflib import get_close_matches
from fractions import Fraction
from typing import Final, NamedTuple

from domain.money import EXACT

# A rate is kept exactly when it ends within this many decimals ...
EXACT_DECIMALS: Final = 32
# ... and is rounded half-even to this many when it does not.
ROUNDED_DECIMALS: Final = 18


class Unit(NamedTuple):
    """What is measured, and how much of it one unit is (in the dimension's base: seconds, bytes, pieces)."""

    dimension: str
    size: Fraction


_TIMES: Final = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "month": 2_629_800}
_BYTES: Final = {
    "byte": 1,
    **{f"{prefix}b": 1000**power for power, prefix in enumerate("kmgtp", 1)},
    **{f"{prefix}ib": 1024**power for power, prefix in enumerate("kmgtp", 1)},
}
_COUNTED: Final = {
    "request": "request", "operation": "request", "call": "request", "api_call": "request",
    "query": "request", "invocation": "request", "seat": "seat", "user": "seat", "credit": "credit",
    "token": "token", "unit": "unit",
}  # fmt: skip
_PROCESSORS: Final = {"cpu": "cpu", "vcpu": "cpu", "core": "cpu", "gpu": "gpu"}

_UNITS: Final = {
    **{name: Unit(dimension, Fraction(1)) for name, dimension in _COUNTED.items()},
    **{name: Unit("byte", Fraction(size)) for name, size in _BYTES.items()},
    **{
        f"{name}_{time}": Unit("byte time", Fraction(size * seconds))
        for name, size in _BYTES.items()
        for time, seconds in _TIMES.items()
    },
    **{
        f"{name}_{time}": Unit(f"{dimension} time", Fraction(seconds))
        for name, dimension in _PROCESSORS.items()
        for time, seconds in _TIMES.items()
    },
}
# Every name, for a person who typed another one: most are one of a few, per one of a few times.
KNOWN_UNITS: Final = (
    f"{', '.join(_COUNTED)}; {', '.join(_BYTES)}, and each of these and {', '.join(_PROCESSORS)} with one of "
    f"{', '.join(f'_{time}' for time in _TIMES)}; plural or not, and with a block size before it, such as 1k_requests"
)
# What a meter counts whose name ends in no unit we know.
_UNIT: Final = _UNITS["unit"]
_BLOCK: Final = re.compile(r"([1-9]\d{0,11})([kmb]?)_(.+)", re.ASCII)
_FACTORS: Final = {"": 1, "k": 1_000, "m": 1_000_000, "b": 1_000_000_000}


def parse_unit(text: str) -> Unit:
    """Read a unit's name, singular or plural, perhaps with a block size (`1k_requests`), or `ValueError`."""
    name, size = text.strip().lower().replace("-", "_"), 1
    block = _BLOCK.fullmatch(name)
    if block is not None:
        size, name = int(block[1]) * _FACTORS[block[2]], block[3]
    unit = _lookup(name)
    if unit is None:
        close = get_close_matches(name, _UNITS, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise ValueError(f"{text!r} is not a known unit{hint or f'; known are {KNOWN_UNITS}'}")
    return Unit(unit.dimension, unit.size * size)


def meter_unit(resource_type: str) -> Unit:
    """Return the unit a meter counts in: the longest end of its name that is one, else pieces (`unit`)."""
    words = resource_type.partition(".")[2].split("_")
    ends = ("_".join(words[at:]) for at in range(len(words)))
    return next((unit for unit in map(_lookup, ends) if unit is not None), _UNIT)


def per_meter_unit(price: Fraction, unit: Unit, meter: Unit) -> Decimal:
    """Convert what `unit` costs into what one of the meter's costs; `ValueError` if they cannot be compared.

    Exact where the result ends within 32 decimals, else rounded once, half-even, to 18.
    """
    if unit.dimension != meter.dimension:
        raise ValueError(f"measures {unit.dimension}s, the meter counts {meter.dimension}s")
    rate = to_decimal(price * meter.size / unit.size)
    if price and not rate:
        raise ValueError(f"the price of one metered unit is below 10^-{ROUNDED_DECIMALS}")
    return rate


def times(rate: Decimal, factor: Decimal) -> Decimal:
    """Multiply a rate: exact or rounded as a conversion is."""
    return to_decimal(Fraction(rate) * Fraction(factor))


def to_decimal(value: Fraction) -> Decimal:
    """Write a fraction as a plain decimal: exact within 32 decimals, else half-even to 18."""
    scaled = value * 10**EXACT_DECIMALS
    if scaled.denominator == 1:
        digits = EXACT.scaleb(Decimal(scaled.numerator), -EXACT_DECIMALS)
    else:
        digits = EXACT.scaleb(Decimal(round(value * 10**ROUNDED_DECIMALS)), -ROUNDED_DECIMALS)
    return plain(digits)


def plain(value: Decimal) -> Decimal:
    """Drop trailing zeros, so that equal rates are written alike: `2.50` and `2.5`, `1E+2` and `100`."""
    reduced = EXACT.normalize(value)
    return EXACT.quantize(reduced, Decimal(1)) if reduced == reduced.to_integral_value() else reduced


def _lookup(name: str) -> Unit | None:
    return _UNITS.get(name) or _UNITS.get(name.removesuffix("s")) or _UNITS.get(f"{name.removesuffix('ies')}y")
