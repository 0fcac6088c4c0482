"""The agent over tables in memory, from bytes to totals, over crashes at every write and send."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import msgspec
import orjson
import pytest

from agents.billing import Billing, BillingTopics, Rules
from domain.billing.records import closing_record, row_record
from domain.billing.tags import TagTable
from domain.fx import Rates
from domain.ownership import Ownership
from domain.sources import parse
from domain.totals import decode_packet
from tests.agents.fakes import CrashError, MemoryPublisher, MemoryView, batch
from tests.agents.memory_table import MemoryTable
from tests.domain.billing.test_books import NOVEMBER, edition, row

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

    def told(self) -> dict[str, int]:
        """Return by tenant how many totals were sent."""
        packets = [decode_packet(packet or b"") for _, packet, _ in self.publisher.sent["totals"]]
        return dict(Counter(total.tenant for packet in packets for total in packet.totals))

    def totals(self) -> dict[str, Decimal]:
        """Return by tenant what the newest totals say, as the rollup would take them."""
        found: dict[str, Decimal] = {}
        for _, total in self._newest():
            found[total.tenant] = found.get(total.tenant, Decimal(0)) + total.amount
        return found

    def by_basis(self) -> dict[str, Decimal]:
        """Return the same by cost basis."""
        found: dict[str, Decimal] = {}
        for source, total in self._newest():
            basis = parse(source).basis
            found[basis] = found.get(basis, Decimal(0)) + total.amount
        return found

    def _newest(self) -> list[tuple[str, Any]]:
        newest: dict[tuple[Any, ...], Any] = {}
        for _, packet, _ in self.publisher.sent["totals"]:
            decoded = decode_packet(packet or b"")
            for total in decoded.totals:
                key = (decoded.source, total.minute, total.tenant, total.resource_type, total.first)
                if key not in newest or newest[key].version <= total.version:
                    newest[key] = total
        return [(key[0], total) for key, total in newest.items()]


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


async def test_a_restatement_tells_what_it_changes_and_nothing_else(house: House) -> None:
    await house.handle(*bill("e1", ["1", "2", "4"], 1))
    assert house.told() == {"t0": 1, "t1": 1}
    await house.handle(*bill("e2", ["1", "3", "4"], 2), first=4)
    assert house.told() == {"t0": 1, "t1": 2}
    assert house.totals() == {"t0": Decimal(5), "t1": Decimal(3)}


def export(dataset: str, billed: str, effective: str) -> list[bytes | None]:
    """Return the records of a bill of one row, in a data set of its own."""
    statement = f"Microsoft/{dataset}/acct/2026-11-01"
    one = row(billed, assembly=dataset, statement=statement)
    one = msgspec.structs.replace(one, effective_cost=Decimal(effective))
    end = msgspec.structs.replace(edition(dataset, 1, 1), statement=statement)
    return [row_record(one, 0)[1], closing_record(end)[1]]


@pytest.mark.parametrize("order", [1, -1])
async def test_actual_and_amortised_exports_together_count_each_basis_once(house: House, order: int) -> None:
    exports = [export("actual", "100", "60"), export("amortised", "40", "70")]
    for number, records in enumerate(exports[::order]):
        await house.handle(*records, first=2 * number)
    assert house.by_basis() == {"billed": Decimal(100), "effective": Decimal(70)}


@pytest.mark.parametrize("order", [1, -1])
async def test_parts_of_a_purchase_count_until_the_amortised_export_of_their_month_comes(
    house: House, order: int
) -> None:
    exports = [export("purchases", "0", "10"), export("amortised", "40", "70")]
    await house.handle(*exports[::order][0], first=0)
    assert house.by_basis()["effective"] == (10 if order == 1 else 70)
    await house.handle(*exports[::order][1], first=2)
    assert house.by_basis() == {"billed": Decimal(40), "effective": Decimal(70)}


@pytest.mark.parametrize("timestamp", [-1, -(2**62), 2**62])
async def test_a_charge_counts_however_its_record_is_stamped(house: House, timestamp: int) -> None:
    charge = msgspec.structs.replace(row("3", assembly=""), statement="")
    event = {"specversion": "1.0", "id": "1", "source": "/x", "type": "costguard.billing.delta", "data": charge}
    records = batch("deltas", [msgspec.json.encode(event), *bill("e1", ["1", "2"], 1)], 0)
    for record in records.records:
        record.timestamp = timestamp
    await house.billing.handle(records)
    assert not house.publisher.sent["dead"]
    assert sum(house.totals().values()) == 6


async def test_editions_are_shown_with_what_they_say_of_each_day_once(house: House) -> None:
    await house.handle(*bill("e1", ["1", "2"], 1))
    await house.handle(*bill("e2", ["1", "2"], 2), first=3)
    shown = {(kind, name) for kind, name in house.view.documents if kind.startswith("bill")}
    day = f"bill:{int(NOVEMBER.timestamp())}"
    digest = (house.view.documents[day, "0:0:0"] or b"").decode()
    assert shown == {*[(kind, f"0:0:{place}") for kind in ("bills", day) for place in (0, 1)], (day, f"0:0:={digest}")}
    before = dict(house.view.documents)
    house.view.documents.clear()
    await house.billing.show_all()
    assert house.view.documents == before


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
