"""What a budget is: a limit on the cost of a scope in each period, thresholds on it, flags that they switch.

`define` reads the body of `PUT /budgets/{scope}`. Two bodies that mean the same define equal budgets:
thresholds are sorted and deduplicated, numbers are compared as numbers. The `at` of a flag is a threshold
too, whether it is listed or not. There is one budget per scope; its id is a hash of the scope's text.
"""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import msgspec

from domain.budgets import fields
from domain.budgets.kinds import ACTUAL, FORECAST
from domain.money import quantity_to_text, to_text
from domain.periods import KINDS, MONDAY, WEEKDAYS, Period, period_at, timezones
from domain.rejection import Rejected
from domain.scope import ScopeFilter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BASES: Final = ("best", "metered", "billed")
DEFAULT_THRESHOLDS: Final = (Decimal("0.7"), Decimal("0.85"), Decimal(1))
DEFAULT_VARIANT: Final = "default"
MAX_THRESHOLDS: Final = 20
MAX_FLAGS: Final = 20
MAX_RATIO: Final = Decimal(10)
MAX_LIMIT: Final = Decimal("1e15")
LIMIT_DECIMALS: Final = 18
RATIO_DECIMALS: Final = 6
_BODY: Final = (
    "name",
    "limit",
    "currency",
    "period",
    "timezone",
    "week_start",
    "thresholds",
    "basis",
    "flags",
    "forecast",
)
_FLAG: Final = ("key", "at", "variant")
_FORECAST: Final = ("at", "edge")
EDGES: Final = ("lower", "mean", "upper")


class FlagRule(msgspec.Struct, frozen=True, array_like=True, order=True):
    """Switch the flag `key` to `variant` while `at` (share of the limit) is crossed, or foreseen (`on`)."""

    key: str
    at: Decimal
    variant: str
    on: str = ACTUAL


class Guard(msgspec.Struct, frozen=True, array_like=True):
    """Thresholds `at` (ascending) that are told of before they are crossed, by one edge of the forecast's band."""

    at: tuple[Decimal, ...] = (Decimal(1),)
    edge: str = EDGES[0]


class Budget(msgspec.Struct, frozen=True, array_like=True):
    """One version of a budget; `week_start` is 0 (Monday) to 6, `thresholds` ascend."""

    terms: tuple[tuple[str, str], ...]
    version: int
    limit: Decimal
    currency: str
    period: str
    timezone: str
    week_start: int
    thresholds: tuple[Decimal, ...]
    basis: str
    flags: tuple[FlagRule, ...]
    name: str | None = None
    forecast: Guard = Guard()

    @property
    def scope(self) -> ScopeFilter:
        """Whose cost is limited."""
        return ScopeFilter(self.terms)

    @property
    def id(self) -> str:
        """`b-` and 16 hex digits; one per scope."""
        return budget_id(self.scope)

    def period_at(self, instant: int) -> Period:
        """Return the budget's period that holds an instant."""
        return period_at(self.period, self.timezone, instant, self.week_start)

    def same_spend(self, other: Budget) -> bool:
        """Tell whether the other version sums the same cost over the same periods."""
        return (self.period, self.timezone, self.week_start, self.basis) == (
            other.period,
            other.timezone,
            other.week_start,
            other.basis,
        )


def budget_id(scope: ScopeFilter) -> str:
    """Return the id of the budget of a scope."""
    return "b-" + hashlib.blake2b(str(scope).encode(), digest_size=8).hexdigest()


def succeed(previous: Budget | None, defined: Budget, *, deleted: bool = False) -> Budget:
    """Give a definition its version: that of `previous` when nothing changed, else the next.

    A budget that is set again after it was deleted goes on counting, so its events are told from the old
    ones.
    """
    if previous is None:
        return defined
    same = msgspec.structs.replace(defined, version=previous.version)
    return previous if same == previous and not deleted else msgspec.structs.replace(same, version=previous.version + 1)


def body_of(budget: Budget) -> dict[str, Any]:
    """Return the body that defines a budget, in JSON types."""
    return {
        "name": budget.name,
        "limit": to_text(budget.limit),
        "currency": budget.currency,
        "period": budget.period,
        "timezone": budget.timezone,
        "week_start": WEEKDAYS[budget.week_start],
        "thresholds": [quantity_to_text(threshold) for threshold in budget.thresholds],
        "basis": budget.basis,
        "flags": [
            {"key": flag.key, "at": quantity_to_text(flag.at), "variant": flag.variant, "on": flag.on}
            for flag in budget.flags
        ],
        "forecast": {"at": [quantity_to_text(share) for share in budget.forecast.at], "edge": budget.forecast.edge},
    }


def define(scope: ScopeFilter, body: Mapping[str, Any], reporting_currency: str) -> Budget | Rejected:
    """Read the body of a budget (JSON or TOML types), as version 1; or why it is not one, in a sentence.

    `limit` is required. Defaults: the reporting currency (no other is accepted), `month`, `UTC`, thresholds
    0.7, 0.85 and 1.0, basis `best`, weeks from Monday, a forecast of 1.0 by the
    lower edge. Numbers may be numbers or decimal strings.
    """
    try:
        return _define(scope, body, reporting_currency)
    except ValueError as error:
        return Rejected(str(error))


def _define(scope: ScopeFilter, body: Mapping[str, Any], reporting_currency: str) -> Budget:
    fields.known(body, _BODY, "budget")
    present = {key: value for key, value in body.items() if value is not None}
    if "limit" not in present:
        raise ValueError('limit: missing; write a decimal string such as "100.00"')
    if (currency := present.get("currency", reporting_currency)) != reporting_currency:
        raise ValueError(f"currency: {currency!r} is not {reporting_currency}, in which costs are reported")
    flags = _flags(present.get("flags", []))
    thresholds = {
        *_thresholds(present.get("thresholds", DEFAULT_THRESHOLDS)),
        *(flag.at for flag in flags if flag.on == ACTUAL),
    }
    if len(thresholds) > MAX_THRESHOLDS:
        raise ValueError(f"thresholds: more than {MAX_THRESHOLDS} with those of the flags")
    return Budget(
        terms=tuple((dimension, fields.text(value, f"scope {dimension}")) for dimension, value in scope.terms),
        version=1,
        limit=fields.number(present["limit"], "limit", most=MAX_LIMIT, decimals=LIMIT_DECIMALS),
        currency=reporting_currency,
        period=fields.choice(present.get("period", "month"), "period", KINDS),
        timezone=_timezone(present.get("timezone", "UTC")),
        week_start=WEEKDAYS.index(fields.choice(present.get("week_start", WEEKDAYS[MONDAY]), "week_start", WEEKDAYS)),
        thresholds=tuple(sorted(thresholds)),
        basis=fields.choice(present.get("basis", BASES[0]), "basis", BASES),
        flags=flags,
        name=fields.text(present["name"], "name") if "name" in present else None,
        forecast=_guard(present.get("forecast", {}), flags),
    )


def _thresholds(values: Any) -> Sequence[Decimal]:
    if not isinstance(values, list | tuple) or not 0 < len(values) <= MAX_THRESHOLDS:
        raise ValueError(f"thresholds: must be a list of 1 to {MAX_THRESHOLDS} numbers such as [0.7, 0.85, 1.0]")
    return [_ratio(value, "thresholds") for value in values]


def _guard(value: Any, flags: Sequence[FlagRule]) -> Guard:
    if not isinstance(value, dict):
        message = 'forecast: must be an object such as {"at": [1.0], "edge": "lower"}'
        raise ValueError(message)  # noqa: TRY004 - a sender's mistake
    fields.known(value, _FORECAST, "forecast")
    shares = value.get("at", Guard().at)
    if not isinstance(shares, list | tuple) or len(shares) > MAX_THRESHOLDS:
        raise ValueError(f"forecast: at: must be a list of at most {MAX_THRESHOLDS} numbers; none turns it off")
    at = {*(_ratio(share, "forecast: at") for share in shares), *(flag.at for flag in flags if flag.on == FORECAST)}
    return Guard(tuple(sorted(at)), fields.choice(value.get("edge", EDGES[0]), "forecast: edge", EDGES))


def _ratio(value: Any, name: str) -> Decimal:
    return fields.number(value, name, most=MAX_RATIO, decimals=RATIO_DECIMALS)


def _timezone(value: Any) -> str:
    return fields.choice(value, "timezone", timezones(), what="an IANA time zone such as Europe/Paris")


def _flags(values: Any) -> tuple[FlagRule, ...]:
    if not isinstance(values, list | tuple) or len(values) > MAX_FLAGS:
        raise ValueError(f"flags: must be a list of at most {MAX_FLAGS} objects with key, at and variant")
    flags = sorted({_flag(value) for value in values})
    if len({(flag.key, flag.at, flag.on) for flag in flags}) < len(flags):
        raise ValueError("flags: one flag is switched to two variants at the same threshold")
    return tuple(flags)


def _flag(value: Any) -> FlagRule:
    if not isinstance(value, dict):
        raise ValueError("flags: each must be an object with key, at and variant")  # noqa: TRY004 - a sender's mistake
    fields.known(value, (*_FLAG, "on"), "flag")
    if missing := [name for name in _FLAG if value.get(name) is None]:
        raise ValueError(f"flags: {missing[0]} is missing")
    variant = fields.text(value["variant"], "flags: variant")
    if variant == DEFAULT_VARIANT:
        raise ValueError(
            f"flags: variant {DEFAULT_VARIANT!r} is what the flag is while nothing is crossed; name another"
        )
    on = fields.choice(value.get("on", ACTUAL), "flags: on", (ACTUAL, FORECAST))
    return FlagRule(fields.text(value["key"], "flags: key"), _ratio(value["at"], "flags: at"), variant, on)
