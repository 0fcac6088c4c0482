"""The worked examples of the brief, from usage events to the API's answer: a tenant's quarter, a query's cost."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from domain.allocation.split import percentages
from tests.domain.allocation.test_worked_examples import MODEL, PRICES, USED
from tests.live import usage
from tests.live.waiting import asking, eventually

if TYPE_CHECKING:
    from tests.live.conftest import Launch

QUARTER: Final = {"start": "2026-01-01T00:00:00Z", "end": "2026-04-01T00:00:00Z"}
NOVEMBER: Final = {"start": "2026-11-01T00:00:00Z", "end": "2026-12-01T00:00:00Z"}
OVERHEAD: Final = (
    {"resource_type": "shared.platform", "unit": "unit", "price": "1"},
    {"resource_type": "third_party.llm_tokens", **MODEL, "model": "search", "input": "0.5", "output": "1"},
)
RULE: Final = """
[[allocation]]
id = "platform"
select = { resource_type = "shared.platform" }
driver = "requests"
among = { environment = "production" }
"""
# Parts of the quarter's usage in January, February and March.
MONTHS: Final = (("1", "0.5"), ("2", "0.25"), ("3", "0.25"))
QUERIES: Final = 2_000


def config() -> str:
    tables = [
        "[[prices]]\n" + "".join(f'{name} = "{value}"\n' for name, value in price.items())
        for price in (*PRICES, *OVERHEAD)
    ]
    return "\n".join([*tables, RULE])


def events_of(tenant: str, meter: str, units: Decimal, more: dict[str, Any], **scope: str) -> list[usage.Event]:
    found = []
    for month, part in MONTHS:
        count = units * Decimal(part)
        quantity: dict[str, Any] = {"units": f"{count}"}
        if meter == "third_party.llm_tokens":
            quantity = {"usage": {"input_tokens": int(count)}}
        found.append(
            usage.event(
                "/".join((tenant, meter, month, *map(str, more.values()))),
                at=datetime(2026, int(month), 9, 14, tzinfo=UTC),
                tenant=tenant,
                resource_type=meter,
                attributes={**more},
                **quantity,
                **scope,
            )
        )
    return found


async def test_a_tenants_quarter_is_its_own_usage_and_its_share_of_the_platform_by_requests(launch: Launch) -> None:
    system = launch(config=config())
    alpha = [event for meter, units, more in USED for event in events_of("alpha", meter, Decimal(units), more)]
    others = [
        *events_of("beta", "compute.requests", Decimal(204_000_000), {}),
        *events_of("gamma", "compute.requests", Decimal(102_000_000), {}),
        # Neither counts: another environment bears nothing, and its cost is not production's.
        *events_of("alpha", "compute.requests", Decimal(8_000_000), {"n": "staging"}, environment="staging"),
        *events_of("platform", "shared.platform", Decimal(9_000), {}),
    ]
    await system.broker.produce([*alpha, *others])

    def by_driver() -> dict[tuple[str, ...], Decimal]:
        asked = {"tenant": "alpha", "environment": "production", "source": "metered", "allocation": "rules"}
        return system.costs("driver", **QUARTER, **asked)

    expected = {"compute": 12_400, "storage": 4_200, "network": 2_100, "third_party": 4_900, "shared": 900}
    costs = await eventually(
        asking(by_driver), lambda found: found == {(driver,): Decimal(each) for driver, each in expected.items()}
    )
    assert sum(costs.values()) == 24_500
    shares = percentages([costs[(driver,)] for driver in expected])
    assert list(map(str, shares)) == ["50.6", "17.1", "8.6", "20.0", "3.7"]
    assert sum(shares) == 100
    shared = system.get("/allocations", QUARTER | {"source": "metered"})["allocations"]
    assert {row["AllocatedMethodId"] for row in shared} == {"platform@1"}


async def test_a_query_of_ai_search_costs_what_models_compute_storage_and_network_for_it_cost(launch: Launch) -> None:
    system = launch(config=config())
    queries = [
        usage.event(
            f"query-{number}",
            attributes=MODEL | {"model": "search"},
            usage={"input_tokens": 660},
            cost_unit="query",
        )
        for number in range(QUERIES)
    ]
    beside = [
        usage.event("cpu", resource_type="compute.cpu_seconds", units="34375"),
        usage.event("disk", resource_type="storage.gb_months", units="5.5", attributes={"storage_class": "hot"}),
        usage.event("egress", resource_type="network.egress_gb", units="0.55"),
    ]
    await system.broker.produce([*queries, *beside])
    parts = {"third_party": "0.66", "compute": "0.275", "storage": "0.11", "network": "0.055"}
    await eventually(
        asking(lambda: system.costs("driver", feature="ai-search")),
        lambda found: found == {(driver,): Decimal(amount) for driver, amount in parts.items()},
    )
    (line,) = [
        each
        for each in system.get("/unit-costs", NOVEMBER | {"feature": "ai-search"})["features"]
        if each["unit"] == "query"
    ]
    assert (line["count"], Decimal(line["unit_cost"])) == (str(QUERIES), Decimal("0.00055"))
    assert percentages([Decimal(amount) for amount in parts.values()], places=0) == [60, 25, 10, 5]
