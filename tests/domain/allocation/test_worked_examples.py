"""The worked examples of the brief: what a tenant cost in a quarter, and what a query costs."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from domain.allocation import Allocator, Usage, UsageLine
from domain.allocation.split import apportion, percentages
from domain.money import add_up, multiply
from domain.pricing import PriceBook
from domain.scope import Scope
from domain.usage import LLM_TOKENS, Attributes
from tests.domain.allocation.cases import charge, rule

BEGIN: Final = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
MODEL: Final = {"provider": "acme-ai", "model": "large"}

PRICES: Final = (
    {"resource_type": "compute.cpu_seconds", "unit": "cpu_hour", "price": "0.0288"},
    {"resource_type": "compute.gpu_hours", "unit": "gpu_hour", "price": "30"},
    {"resource_type": "compute.requests", "unit": "1m_requests", "price": "1"},
    {"resource_type": "storage.gb_months", "unit": "gb_month", "price": "0.020", "storage_class": "hot"},
    {"resource_type": "storage.gb_months", "unit": "gb_month", "price": "0.004", "storage_class": "cold"},
    {"resource_type": "storage.gb_months", "unit": "gb_month", "price": "0.020"},
    {"resource_type": "storage.gb_months", "unit": "gb_month", "multiplier": "1.5", "storage_class": "snapshot"},
    {"resource_type": "network.egress_gb", "unit": "gb", "price": "0.10"},
    {"resource_type": "network.cross_az_gb", "unit": "gb", "price": "0.05"},
    {"resource_type": "third_party.seats", "unit": "seat", "price": "25"},
    {"resource_type": "third_party.credits", "unit": "credit", "price": "1", "provider": "observability"},
    {"resource_type": LLM_TOKENS, "unit": "1m_tokens", **MODEL, "input": "50", "output": "50"},
)
# Tenant Alpha, production, first quarter: quantities by meter. 1 TB is 1,000 GB, and an hour 3,600 seconds.
USED: Final[tuple[tuple[str, str, dict[str, Any]], ...]] = (
    ("compute.cpu_seconds", "1512000000", {}),  # 420,000 hours
    ("compute.gpu_hours", "9", {}),
    ("compute.requests", "34000000", {}),
    ("storage.gb_months", "120000", {"storage_class": "hot"}),
    ("storage.gb_months", "300000", {"storage_class": "cold"}),
    ("storage.gb_months", "20000", {"snapshot": True}),
    ("network.egress_gb", "18000", {}),
    ("network.cross_az_gb", "6000", {}),
    (LLM_TOKENS, "62000000", MODEL),
    ("third_party.seats", "40", {}),
    ("third_party.credits", "800", {"provider": "observability"}),
)


def direct_costs() -> dict[str, Decimal]:
    book = PriceBook.load(PRICES)
    costs: dict[str, Decimal] = {}
    for meter, units, attributes in USED:
        quote = book.quote(meter, Attributes(**attributes), BEGIN)
        assert quote is not None, meter
        driver = meter.partition(".")[0]
        costs[driver] = add_up([costs.get(driver, Decimal(0)), multiply(quote.rates[0], Decimal(units))])
    return costs


def alphas_overhead() -> Decimal:
    """The platform's bill of the quarter, 9,000 dollars, is of its first day; a tenth of the requests were Alpha's."""
    requests = {"alpha": "34000000", "beta": "204000000", "gamma": "102000000"}
    usage = [
        UsageLine(BEGIN, Scope(tenant=tenant, environment="production"), "compute.requests", Decimal(count))
        for tenant, count in requests.items()
    ]
    parts = Allocator([rule()], Usage(usage)).allocate(charge("9000.00")._replace(day=BEGIN))
    borne = {part.scope.tenant: part.amount for part in parts}
    assert add_up(borne.values()) == 9000
    return borne["alpha"]


def test_a_tenants_quarter_is_its_own_cost_and_its_share_of_the_platform() -> None:
    costs = direct_costs() | {"shared": alphas_overhead()}
    assert costs == {"compute": 12_400, "storage": 4_200, "network": 2_100, "third_party": 4_900, "shared": 900}
    assert add_up(costs.values()) == 24_500


def test_its_shares_are_those_of_the_total_and_sum_to_a_hundred() -> None:
    shares = percentages([*direct_costs().values(), alphas_overhead()])
    assert list(map(str, shares)) == ["50.6", "17.1", "8.6", "20.0", "3.7"]
    assert add_up(shares) == 100


def test_a_query_of_ai_search_is_split_to_the_last_unit() -> None:
    weights = [Decimal(each) for each in (60, 25, 10, 5)]  # LLM, compute, storage, network
    parts = apportion(Decimal("0.00055"), weights)
    assert parts == [Decimal("0.00033"), Decimal("0.0001375"), Decimal("0.000055"), Decimal("0.0000275")]
    assert add_up(parts) == Decimal("0.00055")
    assert percentages(parts, places=0) == weights
