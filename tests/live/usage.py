"""Usage events, and what they must cost to the last unit."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Event = dict[str, Any]
PER_MILLION: Final = Decimal(1_000_000)
# Odd on purpose: no sum of these is right by accident, and binary floats would show.
PRICES: Final = {"small": ("0.15", "0.61"), "large": ("2.53", "10.07")}
CONFIG: Final = "".join(
    f'[[prices]]\nresource_type = "third_party.llm_tokens"\nprovider = "acme-ai"\nmodel = "{model}"\n'
    f'input = "{given}"\noutput = "{taken}"\n\n'
    for model, (given, taken) in PRICES.items()
)
BEGIN: Final = datetime(2026, 11, 2, 9, tzinfo=UTC)


def event(identifier: str, *, at: datetime = BEGIN, **data: Any) -> Event:
    """Return a CloudEvent with usage of tenant acme, unless `data` says otherwise."""
    scope = {
        "tenant": "acme",
        "environment": "production",
        "feature": "ai-search",
        "service": "ranker",
        "team": "search",
    }
    return {
        "specversion": "1.0",
        "id": identifier,
        "source": "/tests",
        "type": "costguard.usage.metered",
        "time": at.isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": {**scope, "resource_type": "third_party.llm_tokens", **data},
    }


def call(identifier: str, given: int, taken: int, *, model: str = "large", **data: Any) -> Event:
    """Return the usage of one LLM call: tokens given to the model, tokens taken from it."""
    return event(
        identifier,
        attributes={"provider": "acme-ai", "model": model},
        usage={"input_tokens": given, "output_tokens": taken},
        **data,
    )


def cost(usage: Event) -> Decimal:
    """Return what a call costs."""
    data = usage["data"]
    given, taken = PRICES[data["attributes"]["model"]]
    tokens: dict[str, int] = data["usage"]
    return (tokens["input_tokens"] * Decimal(given) + tokens["output_tokens"] * Decimal(taken)) / PER_MILLION


def costs(events: Iterable[Event], *dimensions: str) -> dict[tuple[str, ...], Decimal]:
    """Return what events cost by dimensions, each event once."""
    sums: defaultdict[tuple[str, ...], Decimal] = defaultdict(Decimal)
    for usage in {usage["id"]: usage for usage in events}.values():
        sums[tuple(usage["data"][dimension] for dimension in dimensions)] += cost(usage)
    return dict(sums)


@dataclass(frozen=True)
class Trace:
    """Calls as real ones come: skewed tenants, long-tailed sizes, over `hours`; the same for the same seed."""

    calls: int
    seed: int = 11
    tenants: int = 8
    hours: int = 30

    def events(self) -> list[Event]:
        """Return the calls in the order of their time."""
        chance = random.Random(self.seed)  # noqa: S311 - sample data
        times = sorted(chance.uniform(0, self.hours * 3600) for _ in range(self.calls))
        return [
            call(
                f"call-{self.seed}-{number}",
                int(chance.lognormvariate(6, 1.4)) + 1,
                int(chance.lognormvariate(4, 1.2)),
                model=chance.choice(["small", "large"]),
                at=BEGIN + timedelta(seconds=seconds),
                tenant=f"tenant-{min(int(chance.expovariate(0.6)), self.tenants - 1)}",
                feature=chance.choice(["chat", "search", "summary"]),
            )
            for number, seconds in enumerate(times)
        ]


def disturbed(events: Sequence[Event], *, seed: int = 5) -> list[Event]:
    """Return events as a bad day delivers them: 3 % sent twice, 10 % up to 500 places out of order."""
    chance = random.Random(seed)  # noqa: S311 - sample data
    sent = [*events, *(usage for usage in events if chance.random() < 0.03)]
    for place in range(len(sent)):
        if chance.random() < 0.10:
            other = min(len(sent) - 1, place + chance.randrange(1, 500))
            sent[place], sent[other] = sent[other], sent[place]
    return sent
