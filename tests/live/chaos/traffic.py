"""Traffic of a bad day, seeded: repeats, disorder, lateness, rubbish; kept in a file that anybody can read.

Each line of the file is the value of one record, in the order in which it is sent. What it must cost is not worked
out here: see `tests.live.chaos.oracle`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BEGIN: Final = datetime(2026, 11, 2, 23, 40, tzinfo=UTC)
DUPLICATES: Final = 0.03
OUT_OF_ORDER: Final = 0.10
PLACES: Final = 500
LATE: Final = 0.02
LATE_DAYS: Final = 3
MALFORMED: Final = 0.005
LLM: Final = 0.30
# Odd prices: no sum is right by accident, and a binary float would show.
CPU_PRICE: Final = "0.0000137"
TOKEN_PRICES: Final = ("2.53", "10.07")
PRICES: Final = f"""
[[prices]]
resource_type = "compute.cpu_seconds"
unit = "cpu_second"
price = "{CPU_PRICE}"

[[prices]]
resource_type = "third_party.llm_tokens"
provider = "acme-ai"
model = "large"
input = "{TOKEN_PRICES[0]}"
output = "{TOKEN_PRICES[1]}"
"""


class Record(NamedTuple):
    """What is sent: the key of a record (the event's id) and its value."""

    key: bytes
    value: bytes


@dataclass(frozen=True)
class Traffic:
    """`events` distinct usage events over `minutes` and 120 scopes; `ahead` is the share of skewed clocks.

    A source whose clock is skewed is an hour ahead of all others.
    """

    events: int
    seed: int = 7
    minutes: int = 30
    ahead: float = 0.0

    def write(self, path: Path) -> None:
        """Write the records, one value a line."""
        with path.open("wb") as lines:
            for record in self.records():
                lines.write(record.value + b"\n")

    def records(self) -> Iterator[Record]:
        """Yield the records in the order in which they are sent; the same ones each time."""
        chance = random.Random(self.seed)  # noqa: S311 - sample data
        waiting: list[Record] = []
        for number in range(self.events):
            record = self._event(chance, number)
            waiting.append(record)
            if chance.random() < DUPLICATES:
                waiting.append(record)
            if chance.random() < MALFORMED:
                waiting.append(_malformed(chance, number, record))
            # Most are sent in order; some let up to `PLACES` others pass.
            while len(waiting) > PLACES:
                late = chance.random() < OUT_OF_ORDER
                yield waiting.pop(chance.randrange(len(waiting)) if late else 0)
        yield from waiting

    def _event(self, chance: random.Random, number: int) -> Record:
        at = BEGIN + timedelta(minutes=self.minutes) * (number / self.events)
        skewed = chance.random() < self.ahead
        if skewed:
            at += timedelta(hours=1)
        elif chance.random() < LATE:
            at -= timedelta(seconds=chance.uniform(0, LATE_DAYS * 86_400))
        scope = chance.randrange(120)
        data: dict[str, object] = {
            "tenant": "ahead" if skewed else f"tenant-{scope % 12}",
            "environment": "production" if scope % 5 else "staging",
            "feature": f"feature-{scope // 12 % 5}",
            "service": f"service-{scope // 12}",
            "team": f"team-{scope % 7}",
        }
        if chance.random() < LLM:
            data |= {
                "resource_type": "third_party.llm_tokens",
                "attributes": {"provider": "acme-ai", "model": "large"},
                "usage": {
                    "input_tokens": int(chance.lognormvariate(6, 1.4)) + 1,
                    "output_tokens": int(chance.lognormvariate(4, 1.2)),
                },
            }
        else:
            data |= {"resource_type": "compute.cpu_seconds", "units": chance.randrange(1, 100_000) / 1000}
        identifier = f"{self.seed}-{number}"
        event = {
            "specversion": "1.0",
            "id": identifier,
            "source": "/ahead" if skewed else "/chaos",
            "type": "costguard.usage.metered",
            "time": at.isoformat().replace("+00:00", "Z"),
            "data": data,
        }
        return Record(identifier.encode(), orjson.dumps(event))


def _malformed(chance: random.Random, number: int, good: Record) -> Record:
    """Return rubbish made of a good record; each is different from every other."""
    identifier = f"bad-{number}"
    value = good.value.replace(good.key, identifier.encode(), 1)
    spoilt = (
        value[: len(value) // 2],
        value.replace(b'"resource_type"', b'"resource_tipe"'),
        value.replace(b'"units":', b'"units":-').replace(b'"input_tokens":', b'"input_tokens":-'),
        value.replace(b'"time":"2026', b'"time":"x2026'),
    )
    return Record(identifier.encode(), chance.choice(spoilt))
