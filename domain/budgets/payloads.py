"""What we tell about budgets: the `data` of a transition and of a status, and the control record.

Amounts are decimal strings with at least two decimals, ratios have at most six (cut, not rounded: what
reads 1 is at least 1), times are RFC 3339.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from domain.budgets.kinds import FORECAST
from domain.budgets.pace import burn_rate, forecast, rounded
from domain.budgets.thresholds import NEW, ThresholdCrossed, crossed_thresholds
from domain.money import add, quantity_to_text, ratio, to_text
from domain.windows import to_rfc3339

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from domain.budgets.definition import Budget, FlagRule
    from domain.budgets.foresight import Foreseen
    from domain.budgets.thresholds import State
    from domain.periods import Period

STATUS: Final = "costguard.budget.status"
_RATIO_DECIMALS: Final = 6


def crossed_data(event: ThresholdCrossed, at: int, foreseen: Foreseen | None = None) -> dict[str, Any]:
    """Return the `data` of a transition; `at` is the newest event time (epoch seconds) in `spent`.

    `foreseen` is where the period was heading, for one of kind `forecast`.
    """
    budget, period = event.budget, event.period
    data = {
        "budget_id": budget.id,
        "budget_version": budget.version,
        "scope": budget.scope.as_dict(),
        "name": budget.name,
        "kind": event.kind,
        "direction": event.direction,
        "threshold": quantity_to_text(event.threshold),
        "episode": event.episode,
        **_figures(budget, event.spent),
        "burn_rate": quantity_to_text(burn_rate(event.spent, budget.limit, period, at)),
        "period": _period(period),
        "flags": [
            {"key": flag.key, "variant": flag.variant}
            for flag in budget.flags
            if (flag.at, flag.on) == (event.threshold, event.kind)
        ],
    }
    if event.kind == FORECAST:
        data |= _outlook(foreseen, event.spent)
    if event.direction == "cleared":
        data |= {"reason": event.reason, "clears": event.crossing_id}
    return data


def status_data(
    budget: Budget,
    period: Period,
    *,
    spent: Decimal,
    state: State,
    at: int | None,
    unpriced: int = 0,
    deleted: bool = False,
    foreseen: Foreseen | None = None,
    warned: State = NEW,
) -> dict[str, Any]:
    """Return the `data` of a status; `at` is the newest event time in `spent`, None before any spend.

    `forecast` is what the model of `domain.budgets.foresight` says, and before it can, the average pace so far;
    `unpriced` counts events that are not in `spent`, for want of a price.
    """
    crossed = crossed_thresholds(state)
    outlook = _outlook(foreseen, spent)
    if foreseen is None and at is not None and (projected := forecast(spent, period, at)) is not None:
        outlook["forecast"] = to_text(projected)
    return {
        "budget_id": budget.id,
        "budget_version": budget.version,
        "scope": budget.scope.as_dict(),
        "name": budget.name,
        **_figures(budget, spent),
        "unpriced": unpriced,
        "period": _period(period),
        "thresholds": _texts(budget.thresholds),
        "flags": [_flag(flag) for flag in budget.flags],
        "crossed": _texts(crossed),
        "state": "deleted" if deleted else "crossed" if crossed else "ok",
        "burn_rate": None if at is None else quantity_to_text(burn_rate(spent, budget.limit, period, at)),
        **outlook,
        "foreseen": _texts(crossed_thresholds(warned)),
        "updated": None if at is None else to_rfc3339(at),
    }


def control_data(budget: Budget, *, deleted: bool) -> dict[str, Any]:
    """Return the record that tells every owner of costs to total the spend of a budget, or no longer."""
    return {
        "control": "budget",
        "budget_id": budget.id,
        "version": budget.version,
        "scope": [list(term) for term in budget.terms],
        "period": budget.period,
        "timezone": budget.timezone,
        "week_start": budget.week_start,
        "basis": budget.basis,
        "deleted": deleted,
    }


def _outlook(foreseen: Foreseen | None, spent: Decimal) -> dict[str, Any]:
    if foreseen is None:
        return {"forecast": None, "forecast_band": None, "breach_at": None}
    # It was looked ahead up to an hour ago, and what was spent since then is certain.
    amounts = (foreseen.mean, foreseen.lower, foreseen.upper)
    mean, lower, upper = (to_text(max(rounded(each, 2), spent)) for each in amounts)
    breach = None if foreseen.breach is None else to_rfc3339(foreseen.breach)
    return {"forecast": mean, "forecast_band": {"lower": lower, "upper": upper}, "breach_at": breach}


def _figures(budget: Budget, spent: Decimal) -> dict[str, str]:
    return {
        "spent": to_text(spent),
        "limit": to_text(budget.limit),
        "currency": budget.currency,
        "ratio": quantity_to_text(rounded(ratio(spent, budget.limit), _RATIO_DECIMALS)),
        "remaining": to_text(add(budget.limit, -spent)),
        "basis": budget.basis,
    }


def _period(period: Period) -> dict[str, str]:
    return {
        "name": period.name,
        "start": to_rfc3339(period.start),
        "end": to_rfc3339(period.end),
        "timezone": period.timezone,
    }


def _flag(flag: FlagRule) -> dict[str, str]:
    return {"key": flag.key, "at": quantity_to_text(flag.at), "variant": flag.variant, "on": flag.on}


def _texts(numbers: Sequence[Decimal]) -> list[str]:
    return [quantity_to_text(number) for number in numbers]
