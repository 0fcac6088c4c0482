"""Bills in FOCUS columns, and what they come to."""

from __future__ import annotations

import csv
import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

Line = dict[str, str]
BEGIN: Final = datetime(2026, 11, 1, tzinfo=UTC)
SERVICES: Final = (("Compute", "Amazon Elastic Compute Cloud"), ("Storage", "Amazon Simple Storage Service"))


def lines(count: int, *, days: int = 3, seed: int = 1) -> list[Line]:
    """Return so many charges of the first days of November."""
    chance = random.Random(seed)  # noqa: S311 - the same bill each time
    return [_line(chance, number % days, number) for number in range(count)]


def _line(chance: random.Random, day: int, number: int) -> Line:
    category, service = chance.choice(SERVICES)
    cost = Decimal(chance.randrange(1, 10**9)) / 10**8
    start = BEGIN + timedelta(days=day)
    return {
        "BilledCost": f"{cost}",
        "EffectiveCost": f"{cost * Decimal('0.75')}",
        "ListCost": f"{cost * 2}",
        "ContractedCost": f"{cost}",
        "BillingCurrency": "USD",
        "BillingAccountId": "acct-1",
        "BillingPeriodStart": "2026-11-01T00:00:00Z",
        "BillingPeriodEnd": "2026-12-01T00:00:00Z",
        "ChargePeriodStart": f"{start:%Y-%m-%dT%H:%M:%SZ}",
        "ChargePeriodEnd": f"{start + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}",
        "ChargeCategory": "Credit" if number % 50 == 0 else "Usage",
        "InvoiceId": "inv-1",
        "ProviderName": "AWS",
        "ServiceCategory": category,
        "ServiceName": service,
        "ResourceId": f"r-{number}",
        "Tags": f'{{"tenant": "{chance.choice(["acme", "globex"])}", "env": "production"}}',
    }


def write(path: Path, bill: Sequence[Line]) -> Path:
    """Write a bill as CSV."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(bill[0]))
        writer.writeheader()
        writer.writerows(bill)
    return path


def by_tenant(bill: Iterable[Line], column: str = "BilledCost") -> dict[tuple[str, ...], Decimal]:
    """Sum up a bill."""
    sums: defaultdict[tuple[str, ...], Decimal] = defaultdict(Decimal)
    for line in bill:
        sums[(line["Tags"].split('"')[3],)] += Decimal(line[column])
    return dict(sums)
