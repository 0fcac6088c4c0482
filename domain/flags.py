"""Feature flags that budgets switch, as a flag source that any OpenFeature application can poll.

A budget lists the flags that it may switch; while a threshold with a flag is crossed, that flag has the variant
for the budget's scope. Of several flags rules of one budget with one key the highest crossed `at` counts.
Of several budgets the most specific scope counts, then the highest `at`.

Whom it concerns: `tenant`, `environment`, `service` and `team` of the scope must be equal in the evaluation
context. `feature` must be equal too unless the context names none: the flag belongs to the feature, and its own
code need not say which feature it is.

How long: see `FlagState.until`. Format: https://flagd.dev/reference/flag-definitions/
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import msgspec

from domain.budgets.definition import DEFAULT_VARIANT
from domain.windows import parse_instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SCHEMA: Final = "https://flagd.dev/schema/v0/flags.json"


class FlagState(msgspec.Struct, frozen=True):
    """What one budget has to say about one flag.

    `variant` and `at` (the threshold, as text) are None while nothing is crossed. `until` (epoch seconds) ends a
    variant with the budget's period; None if that period was over when the crossing was found: it then holds
    until the budget says something else. `variants` are all that the budget could switch to.
    """

    key: str
    budget_id: str
    scope: dict[str, str]
    variants: list[str]
    variant: str | None = None
    at: str | None = None
    until: int | None = None


encode: Final = msgspec.json.Encoder().encode
decode: Final = msgspec.json.Decoder(FlagState).decode


def states_of(status: Mapping[str, Any]) -> list[FlagState]:
    """Return what a budget (the `data` of its `budget-status`) says about each of its flags."""
    rules: defaultdict[str, dict[Decimal, str]] = defaultdict(dict)
    for flag in status["flags"]:
        rules[flag["key"]][Decimal(flag["at"])] = flag["variant"]
    crossed = {Decimal(threshold) for threshold in status["crossed"]}
    return [_state(status, key, variants, crossed) for key, variants in sorted(rules.items())]


def _state(
    status: Mapping[str, Any], key: str, variants: dict[Decimal, str], crossed: set[Decimal]
) -> FlagState:
    state = FlagState(key, status["budget_id"], dict(status["scope"]), sorted(set(variants.values())))
    at = max(crossed & variants.keys(), default=None)
    if at is None:
        return state
    until = None if status["until"] is None else int(parse_instant(status["until"]).timestamp())
    return msgspec.structs.replace(state, variant=variants[at], at=str(at), until=until)


def active(state: FlagState, now: int) -> bool:
    """Tell whether a variant is in force."""
    return state.variant is not None and (state.until is None or now < state.until)


def flag_set(states: Iterable[FlagState], now: int) -> dict[str, Any]:
    """Return the flag set in flagd's JSON; equal states give equal sets, in any order."""
    by_key: defaultdict[str, list[FlagState]] = defaultdict(list)
    for state in states:
        by_key[state.key].append(state)
    return {"$schema": SCHEMA, "flags": {key: _flag(by_key[key], now) for key in sorted(by_key)}}


def _flag(states: list[FlagState], now: int) -> dict[str, Any]:
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
