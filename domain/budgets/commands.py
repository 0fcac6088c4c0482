"""Commands of `budget-commands`: CloudEvents that set or delete the budget of a scope.

`costguard.budget.set` carries `{"scope": "tenant=acme", ...}` with the body of `PUT /budgets/{scope}`,
`costguard.budget.deleted` carries `{"scope": "tenant=acme"}`. Structured mode, or binary with `ce_` headers.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from domain.budgets.definition import Budget, body_of, define
from domain.cloudevents import envelope, event_id
from domain.rejection import Rejected
from domain.scope import ScopeFilter, parse_filter

if TYPE_CHECKING:
    from collections.abc import Sequence

BUDGET_SET: Final = "costguard.budget.set"
BUDGET_DELETED: Final = "costguard.budget.deleted"
_HEADER: Final = "ce_"
# Who sends what a configuration file says.
CONFIGURATION: Final = "configuration"
_CONFIGURATION: Final = f"/costguard/{CONFIGURATION}"

_decode = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal).decode


class SetBudget(NamedTuple):
    """Set this budget (its version is not decided yet).

    `configured` is a digest of what a configuration file says of it, empty for a command of anybody else. A file says
    the same whenever a worker starts: what was set or deleted since is not undone by that.
    """

    budget: Budget
    configured: str = ""

    @property
    def scope(self) -> ScopeFilter:
        """The scope commanded."""
        return self.budget.scope


class DeleteBudget(NamedTuple):
    """Delete the budget of this scope."""

    scope: ScopeFilter


def parse(
    value: bytes | None, headers: Sequence[tuple[str, bytes | None]], currency: str
) -> SetBudget | DeleteBudget | Rejected:
    """Read one record; `currency` is the reporting currency."""
    try:
        return _parse(_event(value, headers), currency)
    except msgspec.DecodeError as error:
        return Rejected(f"not a CloudEvent in JSON: {error}")
    except (ValueError, InvalidOperation, RecursionError) as error:
        return Rejected(str(error) or f"not JSON: {type(error).__name__}")


def to_event(command: SetBudget | DeleteBudget, *, agent: str, now: int) -> bytes:
    """Serialise a command of `/costguard/<agent>` (epoch seconds); its key is the text of its scope."""
    data: dict[str, Any] = {"scope": str(command.scope)}
    kind = BUDGET_DELETED
    if isinstance(command, SetBudget):
        kind = BUDGET_SET
        data |= body_of(command.budget)
    identifier = event_id(kind, now, msgspec.json.encode(data).decode())
    return envelope(kind=kind, agent=agent, identifier=identifier, time=now, data=data)


def structured(value: bytes, headers: Sequence[tuple[str, bytes | None]]) -> bytes:
    """Return a command that was read in structured mode, to be sent on as a record of its own."""
    return msgspec.json.encode(_event(value, headers))


def _event(value: bytes | None, headers: Sequence[tuple[str, bytes | None]]) -> dict[str, Any]:
    if value is None:
        raise ValueError("the record has no value")
    # A header may have no value: that is as if it were not there.
    named = {name.lower(): content for name, content in headers if content is not None}
    if f"{_HEADER}specversion" not in named:
        return _decode(value)
    event: dict[str, Any] = {
        name.removeprefix(_HEADER): content.decode() for name, content in named.items() if name.startswith(_HEADER)
    }
    return event | {"data": _decode(value)}


def _parse(event: dict[str, Any], currency: str) -> SetBudget | DeleteBudget | Rejected:
    if event.get("specversion") != "1.0":
        return Rejected("specversion: must be 1.0")
    kind, data = event.get("type"), event.get("data")
    if kind not in (BUDGET_SET, BUDGET_DELETED):
        return Rejected(f"type: {str(kind)[:80]!r} is not {BUDGET_SET} or {BUDGET_DELETED}")
    if not isinstance(data, dict) or not isinstance(data.get("scope"), str):
        return Rejected('data: must be an object with a scope such as "tenant=acme,feature=ai-search" or "all"')
    body = dict(data)
    scope = parse_filter(body.pop("scope"))
    if kind == BUDGET_DELETED:
        return DeleteBudget(scope)
    budget = define(scope, body, currency)
    if isinstance(budget, Rejected):
        return budget
    return SetBudget(budget, _digest(budget) if event.get("source") == _CONFIGURATION else "")


def _digest(budget: Budget) -> str:
    return event_id(CONFIGURATION, msgspec.json.encode(body_of(budget)).decode())
