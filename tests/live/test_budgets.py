"""A budget is crossed: each threshold once, in order, signed; flags switch; a replay is silent."""

from __future__ import annotations

import signal
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import httpx

from tests.live import fence, usage
from tests.live.waiting import asking, eventually

if TYPE_CHECKING:
    from tests.live.conftest import Launch
    from tests.live.receiver import Receiver
    from tests.live.system import System

CROSSED = "costguard.budget.threshold-crossed"
SCOPE = "tenant=acme,feature=ai-search"
BUDGET = {
    "limit": "80.00",
    "currency": "USD",
    "period": "month",
    "timezone": "UTC",
    "thresholds": [0.7, 0.85, 1.0],
    "flags": [{"key": "ai-search-tier", "at": 0.85, "variant": "throttled"}],
}
# 80.56 USD of a budget of 80: less than one call is beyond it.
CALLS = [usage.call(f"call-{number}", 0, 100_000) for number in range(80)]
SPENT = sum(usage.costs(CALLS, "tenant").values(), Decimal(0))


async def test_a_jump_over_three_thresholds_reports_each_once_in_order(launch: Launch, receiver: Receiver) -> None:
    system = launch(config=usage.CONFIG + receiver.config(CROSSED))
    await _set_budget(system)
    flags_before = system.request("GET", "/flags")

    await system.broker.produce(CALLS)
    await eventually(asking(lambda: len(receiver.messages)), lambda count: count >= 3)
    crossings = await _crossings(system)
    assert [Decimal(crossing["threshold"]) for crossing in crossings] == [
        Decimal("0.7"),
        Decimal("0.85"),
        Decimal(1),
    ]
    assert {crossing["direction"] for crossing in crossings} == {"crossed"}
    assert {crossing["limit"] for crossing in crossings} == {"80.00"}
    assert receiver.refused == []

    flags = await _switched(system)
    assert flags.headers["etag"] != flags_before.headers["etag"]
    again = system.request("GET", "/flags", headers={"if-none-match": flags.headers["etag"]})
    assert again.status_code == httpx.codes.NOT_MODIFIED

    status = system.get(f"/budgets/{SCOPE}/status")
    assert Decimal(status["spent"]) == SPENT
    assert Decimal(status["remaining"]) == Decimal(80) - SPENT
    assert Decimal(status["ratio"]) == SPENT / 80


async def test_a_replay_repeats_no_crossing_and_no_webhook(launch: Launch, receiver: Receiver) -> None:
    system = launch(config=usage.CONFIG + receiver.config(CROSSED))
    await _set_budget(system)
    await system.broker.produce(CALLS)
    await eventually(asking(lambda: len(receiver.messages)), lambda count: count >= 3)

    await system.broker.produce(CALLS)
    await fence.passed(system, ["acme"])
    await _a_later_crossing_arrives(system, receiver)
    assert len(await _crossings(system, SCOPE)) == 3
    told = [body["data"]["threshold"] for _, body in receiver.messages if _is_about(body["data"], SCOPE)]
    assert sorted(told) == ["0.7", "0.85", "1"]
    assert len({identifier for identifier, _ in receiver.messages}) == len(receiver.messages)


async def test_no_crossing_is_lost_when_effects_are_killed(launch: Launch, receiver: Receiver) -> None:
    system = launch(config=usage.CONFIG + receiver.config(CROSSED))
    await _set_budget(system)
    system.signal("effects", signal.SIGKILL)
    await system.broker.produce(CALLS)
    await eventually(asking(lambda: {identifier for identifier, _ in receiver.messages}), lambda ids: len(ids) == 3)
    assert receiver.refused == []


async def _set_budget(system: System, scope: str = SCOPE, **changes: Any) -> None:
    """Set a budget and return once the workers know it."""
    answer = system.request("PUT", f"/budgets/{scope}", json=BUDGET | changes)
    assert answer.is_success, answer.text
    await eventually(
        asking(lambda: system.request("GET", f"/budgets/{scope}/status")), lambda answer: answer.is_success
    )


async def _a_later_crossing_arrives(system: System, receiver: Receiver) -> None:
    """Cross another budget on the same money: what the replay could cause is older than its webhook."""
    before = len(receiver.messages)
    await _set_budget(system, "tenant=acme,feature=after", thresholds=[1.0], limit="1.00", flags=[])
    await system.broker.produce([usage.call("after", 0, 1_000_000, feature="after")])
    await eventually(asking(lambda: len(receiver.messages)), lambda count: count > before)


async def _crossings(system: System, scope: str = SCOPE) -> list[dict[str, Any]]:
    events = await system.broker.read("budget-threshold-crossed")
    return [event["data"] for event in events if _is_about(event["data"], scope)]


def _is_about(data: dict[str, Any], scope: str) -> bool:
    return bool(data["scope"] == dict(term.split("=") for term in scope.split(",")))


async def _switched(system: System) -> httpx.Response:
    read = asking(lambda: system.request("GET", "/flags"))
    response: httpx.Response = await eventually(read, lambda answer: "throttled" in answer.text)
    return response
