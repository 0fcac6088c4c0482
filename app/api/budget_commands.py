"""Setting and deleting budgets: a command on a topic, then a while of waiting until workers have carried it out."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
import orjson

from app.api.problems import unavailable
from app.api.sending import BrokerAwayError, send
from app.api.services import Services
from domain import budgets
from domain.cloudevents import envelope, event_id
from domain.money import ZERO
from domain.scope import ScopeFilter

KIND: Final = "budgets"
POLL_SECONDS: Final = 0.05
Status = dict[str, Any]
# What of a status a definition decides, rather than what was spent.
_DEFINED: Final = ("scope", "name", "limit", "currency", "basis", "thresholds", "flags")


async def statuses(services: Services) -> dict[str, Status]:
    """Return the status of every budget, by id; deleted ones are left out."""
    documents = await services.view.documents(KIND)
    found = {name: orjson.loads(document) for name, document in documents.items()}
    return {name: status for name, status in found.items() if status["state"] != "deleted"}


async def status_of(services: Services, identifier: str) -> Status | None:
    """Return the status of one budget; None when there is none, or it is deleted."""
    document = await services.view.document(KIND, identifier)
    status: Status | None = None if document is None else orjson.loads(document)
    return None if status is None or status["state"] == "deleted" else status


async def command(services: Services, kind: str, scope: ScopeFilter, body: Mapping[str, Any]) -> None:
    """Send a command; its id is a hash of what it says and when, so a repeat within a second is the same one."""
    now = int(services.clock())
    # Exact numbers travel as decimal strings.
    data = {"scope": str(scope), **msgspec.to_builtins(body)}
    identifier = event_id(kind, str(scope), orjson.dumps(data, option=orjson.OPT_SORT_KEYS).decode(), now)
    value = envelope(kind=kind, agent="api", identifier=identifier, time=now, data=data, recorded=now)
    try:
        await send(services, services.topics.budget_commands, [(str(scope).encode(), value, None)])
    except BrokerAwayError:
        raise unavailable("the broker does not answer, nothing is changed; try again") from None


async def until(
    services: Services, identifier: str, holds: Callable[[Status | None], bool], seconds: float | None = None
) -> Status | None:
    """Return a budget's status once it holds, or the last one seen when time is up."""
    end = time.monotonic() + (services.budget_wait if seconds is None else min(seconds, services.budget_wait))
    while True:
        status = await status_of(services, identifier)
        if holds(status) or time.monotonic() >= end:
            return status
        await asyncio.sleep(POLL_SECONDS)


def reflects(budget: budgets.Budget, status: Status | None, now: float) -> bool:
    """Tell whether a status is of this definition."""
    if status is None:
        return False
    wanted = budgets.status_data(budget, budget.period_at(int(now)), spent=ZERO, state=budgets.NEW, at=None)
    same_period = all(wanted["period"][name] == status["period"][name] for name in ("name", "timezone"))
    return same_period and all(wanted[name] == status[name] for name in _DEFINED)
