"""Feature flags that budgets switch, as a flag source that any OpenFeature application can poll.

While a budget has a flag's variant in force, the flag has it for the budget's scope. Where several budgets
switch one flag, the most specific scope counts, then the highest threshold. All variants that a budget could
switch to are listed from the moment it is set, so an application can be tested before the money is gone.

Whom it concerns: `tenant`, `environment`, `service` and `team` of the scope must be equal in the evaluation
context. `feature` must be equal too unless the context names none: the flag belongs to the feature, and its
own code need not say which feature it is.

Format: https://flagd.dev/reference/flag-definitions/
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import msgspec

from domain.budgets.definition import DEFAULT_VARIANT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SCHEMA: Final = "https://flagd.dev/schema/v0/flags.json"


class FlagState(msgspec.Struct, frozen=True):
    """What one budget has to say about one flag: a document of the view's kind `flags`.

    `variant` and `at` (the threshold, as text) are None while nothing is crossed. `until` ends the variant
    with the budget's period even if nobody says so; None: it is in force until the budget says otherwise.
    """

    key: str
    budget_id: str
    scope: dict[str, str]
    variants: tuple[str, ...]
    variant: str | None = None
    at: str | None = None
    until: datetime | None = None


encode: Final = msgspec.json.Encoder().encode
decode: Final = msgspec.json.Decoder(FlagState).decode


def active(state: FlagState, now: float) -> bool:
    """Tell whether a variant is in force at `now` (epoch seconds)."""
    return state.variant is not None and (state.until is None or now < state.until.timestamp())


def flag_set(states: Iterable[FlagState], now: float) -> dict[str, Any]:
    """Return the flag set in flagd's JSON; equal states give equal sets, in any order."""
    by_key: defaultdict[str, list[FlagState]] = defaultdict(list)
    for state in states:
        by_key[state.key].append(state)
    return {"$schema": SCHEMA, "flags": {key: _flag(by_key[key], now) for key in sorted(by_key)}}


def _flag(states: list[FlagState], now: float) -> dict[str, Any]:
    variants = sorted({variant for state in states for variant in state.variants})
    return {
        "state": "ENABLED",
        "variants": {name: name for name in (DEFAULT_VARIANT, *variants)},
        "defaultVariant": DEFAULT_VARIANT,
        "targeting": _targeting(sorted((state for state in states if active(state, now)), key=_precedence)),
    }


def _precedence(state: FlagState) -> tuple[int, Decimal, str]:
    return -len(state.scope), -Decimal(state.at or 0), state.budget_id


def _targeting(states: list[FlagState]) -> dict[str, Any]:
    if not states:
        return {}
    branches = [part for state in states for part in (_condition(state.scope), state.variant)]
    # Null: nobody matched, so flagd serves the default variant.
    return {"if": [*branches, None]}


def _condition(scope: Mapping[str, str]) -> Any:
    terms = [_term(dimension, value) for dimension, value in scope.items()]
    return {"and": terms} if terms else True


def _term(dimension: str, value: str) -> dict[str, Any]:
    named = {"===": [{"var": [dimension]}, value]}
    return {"or": [{"!": [{"var": [dimension]}]}, named]} if dimension == "feature" else named
