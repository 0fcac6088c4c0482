"""Small bills in memory, read as the importer reads files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domain.billing.catalogue import detect
from domain.billing.formats import Context, Unrecognised
from domain.billing.header import Header
from domain.billing.occurrences import Occurrences
from domain.billing.reading import Reading, Source
from domain.billing.tags import TagTable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from domain.billing.row import BillingRow, RejectedRow

SOURCE = Source("bill.csv", "a1", 1_800_000_000)


def reading(names: Sequence[str], dataset: str = "", source: Source = SOURCE) -> Reading:
    header = Header(names)
    form = detect(header)
    assert not isinstance(form, Unrecognised), form
    return Reading(form, header, Context("USD", dataset), source, TagTable(), Occurrences())


def read(records: Sequence[Mapping[str, Any]], dataset: str = "") -> tuple[list[BillingRow], list[RejectedRow]]:
    """Read records that each name their cells; those they leave out are empty."""
    names = list(dict.fromkeys(name for record in records for name in record))
    reader = reading(names, dataset)
    columns = [[record.get(names[position], "") for record in records] for position in reader.positions]
    return reader.rows(reader.block(columns, len(records)), lambda position: position + 2)


def noted(*records: Mapping[str, Any], dataset: str = "") -> list[tuple[int, str]]:
    """Return which lines of a file count without something, and why."""
    names = list(dict.fromkeys(name for record in records for name in record))
    reader = reading(names, dataset)
    columns = [[record.get(names[position], "") for record in records] for position in reader.positions]
    reader.rows(reader.block(columns, len(records)), lambda position: position + 2)
    return [(each.line, each.reason) for each in reader.noted]


def rows(*records: Mapping[str, Any], dataset: str = "") -> list[BillingRow]:
    found, rejected = read(records, dataset)
    assert rejected == []
    return found


def row(record: Mapping[str, Any], dataset: str = "") -> BillingRow:
    (found,) = rows(record, dataset=dataset)
    return found


def reason(record: Mapping[str, Any]) -> str:
    found, ((_, why),) = read([record])[0], [(each.line, each.reason) for each in read([record])[1]]
    assert found == []
    return why


FOCUS = {
    "BilledCost": "10.10",
    "EffectiveCost": "9.90",
    "ListCost": "12",
    "ContractedCost": "11",
    "BillingCurrency": "EUR",
    "ChargeCategory": "Usage",
    "ChargePeriodStart": "2026-06-01T00:00:00Z",
    "ChargePeriodEnd": "2026-06-01T01:00:00Z",
    "BillingPeriodStart": "2026-06-01T00:00:00Z",
    "BillingPeriodEnd": "2026-07-01T00:00:00Z",
    "ServiceName": "Compute",
    "ProviderName": "Acme Cloud",
    "BillingAccountId": "acct",
    "Tags": '{"Team": "search", "user:env": "prod"}',
}
AWS = {
    "lineItem/UnblendedCost": "3",
    "lineItem/LineItemType": "Usage",
    "lineItem/UsageStartDate": "2026-06-01T00:00:00Z",
    "lineItem/UsageEndDate": "2026-06-01T01:00:00Z",
    "lineItem/ProductCode": "AmazonEC2",
    "lineItem/UsageAccountId": "111111111111",
    "lineItem/CurrencyCode": "USD",
    "bill/BillingPeriodStartDate": "2026-06-01T00:00:00Z",
    "bill/BillingPeriodEndDate": "2026-07-01T00:00:00Z",
    "bill/PayerAccountId": "999999999999",
    "bill/InvoiceId": "",
    "pricing/publicOnDemandCost": "4",
    "resourceTags/user:Team": "search",
    "resourceTags/user:Name": "host-1",
}
AZURE = {
    "Date": "06/01/2026",
    "CostInBillingCurrency": "2.5",
    "BillingCurrency": "CAD",
    "MeterCategory": "Virtual Machines",
    "SubscriptionId": "sub",
    "BillingAccountId": "acct",
    "ChargeType": "Usage",
    "PricingModel": "OnDemand",
    "ReservationId": "",
    "Quantity": "5",
    "UnitPrice": "0.6",
    "PayGPrice": "0.7",
    "BillingPeriodStartDate": "06/01/2026",
    "BillingPeriodEndDate": "06/30/2026",
    "Tags": '"team": "search","env": "prod"',
}
GCP = {
    "billing_account_id": "acct",
    "service.description": "Compute Engine",
    "usage_start_time": "2026-06-01 00:00:00 UTC",
    "usage_end_time": "2026-06-01 01:00:00 UTC",
    "cost": "1.5",
    "currency": "USD",
    "credits": "[]",
    "invoice.month": "202606",
    "project.id": "p",
    "project.labels": "[{'key': 'team', 'value': 'platform'}]",
    "labels": '[{"key": "team", "value": "search"}]',
}
