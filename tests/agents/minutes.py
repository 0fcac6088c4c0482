"""Weeks of busy traffic by five minutes, through rollup and detection over fakes: as `House`, at a finer grain."""

from __future__ import annotations

import math
import random
from decimal import Decimal
from typing import TYPE_CHECKING

from domain import totals
from domain.anomaly.sources import Report
from domain.totals import Packet, Total, _encode
from domain.windows import DAY, HOUR
from tests.agents.fakes import batch
from tests.agents.test_anomaly import START, House

if TYPE_CHECKING:
    from collections.abc import Callable

    from domain.anomaly.calendar import AnomalySettings

    Shape = Callable[[str, int], float]

FIVE = 300
FEATURES = ("search", "chat")
MODELS = ("small", "large")


def always(_: str, __: int) -> float:
    return 1.0


def poisson(rng: random.Random, mean: float) -> int:
    return max(0, round(rng.gauss(mean, math.sqrt(mean)))) if mean > 0 else 0


class Busy(House):
    """One tenant, two features, two models each; some hundred events an hour with the rhythm of day and week."""

    def __init__(self, settings: AnomalySettings | None = None) -> None:
        super().__init__(settings)
        self.events_of_hour = 900

    async def play(
        self,
        start: int,
        end: int,
        volume: Shape = always,
        price: Shape = always,
        model: Callable[[str, int], float] = lambda *_: 0.5,
        *,
        detect: bool = False,
    ) -> None:
        """Play what comes between two instants; `model` is the share of the large one, which costs the same."""
        at = start
        while at < end:
            until = min(end, at + (FIVE if detect else HOUR))
            lines = [
                line
                for minute in range(at, until, FIVE)
                for feature in FEATURES
                for line in self._minute(minute, feature, volume(feature, minute), price(feature, minute), model)
            ]
            self.clock.now = max(self.clock.now, until)
            self.newest = max(self.newest, until - 60)
            packet = Packet("metered", 0, self.sent, until - 60, lines)
            await self.rolling_up.handle(batch("totals", [_encode(packet)], self.sent))
            self.sent += 1
            at = until
            if detect:
                await self.settle()
        await self.settle()

    async def settle(self) -> None:
        """Let five minutes close: the source is six minutes past the newest."""
        watermark = self.newest + 60 + 300
        report = Report(self.sent, watermark, self.newest, 0, 0)
        self.clock.now = max(self.clock.now, watermark)
        await self.rolling_up.handle(batch("totals", [totals.report("metered", 0, report)], self.sent))
        self.sent += 1
        await self.rolling_up.sweep(self.sweep)
        await self.take()

    def _minute(self, minute: int, feature: str, volume: float, price: float, model: Shape) -> list[Total]:
        rng = random.Random(f"{feature}{minute}")  # noqa: S311 - traffic, not a secret
        day = (minute - START) / DAY
        rest = 0.5 if int(day) % 7 >= 5 else 1.0
        mean = self.events_of_hour / 12 * rest * (1 + 0.5 * math.sin(day * 2 * math.pi)) * volume
        large = model(feature, minute)
        found = []
        for name, share in zip(MODELS, (1 - large, large), strict=True):
            if events := poisson(rng, mean * share):
                amount = Decimal(events) * Decimal("0.05") * Decimal(repr(price))
                where = "acme", "prod", feature, "api", "core", "third_party.llm_tokens", f"openai/{name}@base"
                found.append(Total(minute, *where, "", minute, 0, events, Decimal(events) * 100, amount))
        return found
