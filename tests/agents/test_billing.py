"""The agent over tables in memory, from bytes to totals, over crashes at every write and send."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import orjson
import pytest

from agents.billing import Billing, BillingTopics, Rules
from app.billing_import import closing_record, row_record
from domain.billing.tags import TagTable
from domain.fx import Rates
from domain.ownership import Ownership
from domain.totals import decode_packet
from tests.agents.fakes import CrashError, MemoryPublisher, MemoryView, batch
from tests.agents.memory_table import MemoryTable
from tests.domain.billing.test_books import edition, row

NOW = 1_795_000_000.0


class House:
    """The agent, over a table and topics that outlive it."""

    def __init__(self) -> None:
        self.bills, self.publisher, self.view = MemoryTable(), MemoryPublisher(), MemoryView()
        self.billing = Billing(
            topics=BillingTopics("deltas", "totals", "dead"),
            bills=self.bills,
            publisher=self.publisher,
            view=self.view,
            rules=Rules(Rates(), "USD", TagTable(), Ownership()),
            partitions=1,
            clock=lambda: NOW,
        )

    async def handle(self, *values: bytes | None, first: int = 0) -> None:
        await self.billing.handle(batch("deltas", values, first))

    def totals(self) -> dict[str, Decimal]:
        """Return by tenant what the newest totals say, as the rollup would take them."""
        newest: dict[tuple[Any, ...], Any] = {}
        for _, packet, _ in self.publisher.sent["totals"]:
            decoded = decode_packet(packet or b"")
            for total in decoded.totals:
                key = (decoded.source, total.minute, total.tenant, total.resource_type, total.first)
                if key not in newest or newest[key].version <= total.version:
                    newest[key] = total
        found: dict[str, Decimal] = {}
        for total in newest.values():
            found[total.tenant] = found.get(total.tenant, Decimal(0)) + total.amount
        return found


@pytest.fixture
def house() -> House:
    return House()


def bill(assembly: str, costs: list[str], written: int) -> list[bytes | None]:
    rows = [row(cost, assembly=assembly, tenant=f"t{number % 2}") for number, cost in enumerate(costs)]
    records = [row_record(one, number)[1] for number, one in enumerate(rows)]
    return [*records, closing_record(edition(assembly, len(costs), written))[1]]


async def test_a_newer_edition_takes_the_place_of_an_older_one(house: House) -> None:
    await house.handle(*bill("e1", ["1", "2", "4"], 1))
    assert house.totals() == {"t0": Decimal(5), "t1": Decimal(2)}
    await house.handle(*bill("e2", ["10"], 2), first=4)
    assert house.totals() == {"t0": Decimal(10), "t1": Decimal(0)}
    await house.handle(*bill("e1", ["1", "2", "4"], 1), first=6)
    assert house.totals() == {"t0": Decimal(10), "t1": Decimal(0)}


@pytest.mark.parametrize("after", range(5))
async def test_a_crash_anywhere_changes_nothing(house: House, after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tables.tenure.chunks.__defaults__", (60,))
    values = bill("e1", ["1", "2", "4", "8"], 1)
    house.bills.failures = [*[None] * after, CrashError()]
    with pytest.raises(CrashError):
        await house.handle(*values)
    await house.handle(*values)
    assert house.totals() == {"t0": Decimal(5), "t1": Decimal(10)}


async def test_totals_that_a_crash_left_unsent_are_sent_by_the_replay(house: House) -> None:
    house.publisher.fails = True
    values = bill("e1", ["1", "2"], 1)
    with pytest.raises(CrashError):
        await house.handle(*values)
    await house.handle(*values)
    assert house.totals() == {"t0": Decimal(1), "t1": Decimal(2)}


async def test_what_cannot_be_used_goes_to_dead_letter_and_the_rest_counts(house: House) -> None:
    await house.handle(b"nonsense", None, *bill("e1", ["1"], 1))
    letters = [orjson.loads(value or b"")["data"] for _, value, _ in house.publisher.sent["dead"]]
    assert [letter["offset"] for letter in letters] == [0, 1]
    assert house.totals() == {"t0": Decimal(1)}


async def test_it_is_shown_until_when_bills_are_complete(house: House) -> None:
    await house.handle(*bill("e1", ["1"], 1))
    shown = orjson.loads(house.view.documents["progress", "bills:0"] or b"")
    assert shown == {"complete_until": {}}, "an edition that charges nothing tells nothing"


async def test_bills_and_identities_past_their_retention_are_forgotten(house: House) -> None:
    loose = msgspec.json.encode(
        {"specversion": "1.0", "id": "1", "source": "/x", "type": "costguard.billing.delta", "data": row("1")}
    )
    await house.handle(*bill("e1", ["1", "2"], 1), loose)
    house.billing._clock = lambda: NOW + 900 * 86_400
    await house.billing.expire()
    kinds = sorted({key[:1] for key in house.bills.rows[0]})
    assert kinds == [b"a", b"p", b"s"], "what rows by themselves come to stays"
    assert len(house.bills.rows[0]) == 3
