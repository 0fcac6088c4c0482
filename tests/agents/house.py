"""A worker's meter and rollup over tables and topics in memory that outlive them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson

from agents.metering import Metering, MeteringTopics
from agents.rollup import RollingUp, RollupTopics
from domain.ownership import Ownership
from domain.pricing import PriceBook
from tests.agents.fakes import MemoryPublisher, MemoryView, batch
from tests.agents.memory_table import MemoryTable

PRICE = {"resource_type": "compute.requests", "price": "0.25", "unit": "request", "effective_from": "2020-01-01"}


def usage(number: int, tenant: str = "acme", minute: int = 0, day: str = "2026-11-01", **more: Any) -> bytes:
    data = {"tenant": tenant, "feature": "f", "service": "s", "resource_type": "compute.requests", "units": 2}
    return orjson.dumps(
        {
            "specversion": "1.0",
            "id": f"e{number}",
            "source": "/test",
            "type": "costguard.usage.metered",
            "time": f"{day}T00:{minute:02d}:00Z",
            "data": data | more,
        }
    )


class House:
    """A worker's agents over tables and topics that outlive them."""

    def __init__(self) -> None:
        self.cells, self.ids, self.costs = MemoryTable(), MemoryTable(), MemoryTable()
        self.publisher, self.view = MemoryPublisher(), MemoryView()
        self.price = "0.25"
        self.start()

    def start(self) -> None:
        book = PriceBook.load([{**PRICE, "price": self.price}], "USD")
        self.rolling_up = RollingUp(
            topics=RollupTopics("totals", "attributed", "spend", "dead"), costs=self.costs, publisher=self.publisher,
            view=self.view, currency="USD", sources=1, clock=lambda: 1_793_500_000.0,
        )  # fmt: skip
        self.metering = Metering(
            topics=MeteringTopics("usage", "totals", "dead"), cells=self.cells, ids=self.ids,
            publisher=self.publisher, view=self.view, book=book, ownership=Ownership(), partitions=1,
            rules=self.price, clock=lambda: 1_793_500_000.0, ends=lambda _: None,
            newest=self.rolling_up.newest,
        )  # fmt: skip

    async def meter(self, values: list[bytes | None], first: int = 0) -> None:
        await self.metering.handle(batch("usage", values, first))

    async def roll_up(self, first: int = 0) -> None:
        packets = [value for _, value, _ in self.publisher.sent["totals"]]
        await self.rolling_up.handle(batch("totals", packets[first:], first))

    def total(self, projection: str = "all") -> Decimal:
        day = [
            row
            for (_, place), lines in self.view.rows.items()
            if place.projection == projection and place.window.granularity == "day"
            for row in lines.values()
        ]
        return sum((row.amount for row in day), Decimal(0))
