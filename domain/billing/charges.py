"""From a line of a bill to cost by scope and hour, in the reporting currency, once for each cost basis it tells."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from domain.billing.row import REATTRIBUTED
from domain.fx import Month
from domain.scope import UNATTRIBUTED
from domain.sources import BASES, billed, provider_named, slug
from domain.windows import DAY, HOUR, floor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from decimal import Decimal

    from domain.billing.row import BillingRow
    from domain.fx import Rates

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# FOCUS's ServiceCategory; what is not named here is a third party's.
DRIVERS: Final = {"Compute": "compute", "Storage": "storage", "Databases": "storage", "Networking": "network"}
# In services' names, for bills that have no categories; the first that is found decides.
_HINTS: Final = (
    ("network", ("network", "transfer", "bandwidth", "cdn", "cloudfront", "vpc", "load balanc", "dns", "gateway")),
    (
        "storage",
        ("storage", "s3", "blob", "disk", "snapshot", "backup", "database", "sql", "rds", "dynamo", "bigquery"),
    ),
    (
        "compute",
        ("compute", "ec2", "virtual machine", "instance", "lambda", "function", "kubernetes", "container", "cloud run"),
    ),
)
_MAX_SERVICE_CHARS: Final = 64


class ChargeKey(NamedTuple):
    """What is summed together; `hour` (epoch seconds) is that in which the charge period begins."""

    hour: int
    tenant: str
    environment: str
    feature: str
    service: str
    team: str
    resource_type: str
    source: str


class Booked(NamedTuple):
    """A line of a bill as cost: `key` lacks its source, `amounts` are by `BASES`, None where the bill does not tell."""

    key: ChargeKey
    provider: str
    category: str
    amounts: tuple[Decimal | None, Decimal | None, Decimal | None, Decimal | None]


def book(row: BillingRow, rates: Rates, currency: str, team_of: Callable[[str], str | None]) -> Booked:
    """Return a line as cost in the reporting currency. Raises `MissingRateError`."""
    start = row.charge_period_start
    month = rate_month(row)
    seconds = int((start - _EPOCH).total_seconds())
    key = ChargeKey(
        seconds - seconds % HOUR,
        row.tenant,
        row.environment,
        row.feature,
        row.service,
        owner(row.team, row.service, row.charge_kind, team_of),
        resource_type(row.service_category, row.service_name),
        "",
    )

    billed_cost, effective, contracted, listed = costs_of(row)

    def told(cost: Decimal | None) -> Decimal | None:
        return None if cost is None else rates.convert(cost, row.billing_currency, currency, month)

    amounts = told(billed_cost), told(effective), told(contracted), told(listed)
    return Booked(key, provider_named(row.provider_name or row.publisher_name), slug(row.charge_category), amounts)


def owner(team: str, service: str, kind: str, team_of: Callable[[str], str | None]) -> str:
    """Return the team that a charge is of: the one that it names, or else the owner of its service."""
    # A correction is of the scope that it names: what it takes back was booked there, whoever owns the service now.
    if team != UNATTRIBUTED or service == UNATTRIBUTED or kind == REATTRIBUTED:
        return team
    return team_of(service) or UNATTRIBUTED


def costs_of(row: BillingRow) -> tuple[Decimal | None, Decimal | None, Decimal | None, Decimal | None]:
    """Return what a line costs by `BASES`, in its own currency; None where the bill does not tell."""
    return row.billed_cost, row.effective_cost, row.contracted_cost, row.list_cost


def day_of(row: BillingRow) -> int:
    """Return the first second of the day on which a charge begins."""
    return floor(int(row.charge_period_start.timestamp()), DAY)


def rate_month(row: BillingRow) -> Month:
    """Return the month whose rate converts a line: that of its charge, or of the purchase it is a part of."""
    start = row.purchased or row.charge_period_start
    return Month(start.year, start.month)


def charges(booked: Booked) -> Iterator[tuple[ChargeKey, Decimal]]:
    """Yield cost by basis; a basis that the bill does not tell is left out."""
    for basis, amount in zip(BASES, booked.amounts, strict=True):
        if amount is not None:
            yield booked.key._replace(source=billed(booked.provider, basis, booked.category)), amount


def resource_type(category: str | None, service: str | None) -> str:
    """Return `<driver>.<service>` of a charge, as `compute.amazon_elastic_compute_cloud`."""
    name = slug(service or category or "other")[:_MAX_SERVICE_CHARS] or "other"
    return f"{_driver(category, service)}.{name}"


def _driver(category: str | None, service: str | None) -> str:
    if category:
        return DRIVERS.get(category, "third_party")
    text = (service or "").casefold()
    return next((driver for driver, hints in _HINTS if any(hint in text for hint in hints)), "third_party")
