"""`GET /costs` by what only a bill tells, and as bills were known earlier: as the agent shows them."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from app.api import bill_lines
from domain.billing.known import decode_lines
from domain.billing.records import closing_record, row_record
from tests.agents.fakes import batch
from tests.agents.test_billing import House
from tests.app.api.view_of_events import ViewOfEvents, client
from tests.domain.billing.test_books import NOVEMBER, edition, row
from tests.domain.cost_events import Priced

if TYPE_CHECKING:
    import httpx

    from domain.billing.details import DetailKey, DetailRow

DAY = timedelta(days=1)
NOW = NOVEMBER + 5 * DAY
NOVEMBER_1 = int(NOVEMBER.timestamp())
WHOLE = {"start": "2026-11-01T00:00:00Z", "end": "2026-11-03T00:00:00Z"}
FIRST, SECOND = NOVEMBER + 2 * DAY, NOVEMBER + 3 * DAY
USED = Priced(
    NOVEMBER_1, ("acme", "production", "x", "y", "z"), "compute.gpu_hours", "", Decimal(2), Decimal(9), "metered/aws"
)


class Books:
    """Bills that came at given instants, as the agent shows them."""

    def __init__(self) -> None:
        self.house = House()
        self._offset = 0

    async def come(self, at: datetime, *values: bytes | None) -> None:
        records = batch("deltas", values, self._offset)
        for record in records.records:
            record.timestamp = int(at.timestamp() * 1000)
        self._offset += len(values)
        await self.house.billing.handle(records)

    def show(self, documents: defaultdict[str, dict[str, bytes]]) -> None:
        for (kind, name), document in self.house.view.documents.items():
            documents[kind][name] = document or b""

    async def ask(self, **parameters: Any) -> httpx.Response:
        documents: defaultdict[str, dict[str, bytes]] = defaultdict(dict)
        self.show(documents)
        async with client(ViewOfEvents([USED], documents), now=NOW.timestamp()) as api:
            return await api.get("/costs", params=WHOLE | {"source": "billing"} | parameters)

    async def groups(self, **parameters: Any) -> dict[tuple[str, ...], str]:
        answer = await self.ask(**parameters)
        assert answer.status_code == 200, answer.text
        return {tuple(group["key"].values()): group["amount"] for group in answer.json()["groups"]}


def line(cost: str, sku: str, account: str, quantity: str | None = None, **more: Any) -> Any:
    told = None if quantity is None else Decimal(quantity)
    facts: dict[str, Any] = {"sku_id": sku, "sub_account_id": account, "pricing_quantity": told, "pricing_unit": "Hrs"}
    return row(cost, assembly=more.pop("assembly", "e1"), service_name="Amazon EC2", region_id="eu", **facts, **more)


def bill(*rows: Any, written: int = 1) -> list[bytes | None]:
    end = msgspec.structs.replace(edition(rows[0].assembly, len(rows), written), latest=NOVEMBER_1 + 86_400, final=True)
    return [*[row_record(one, number)[1] for number, one in enumerate(rows)], closing_record(end)[1]]


@pytest.fixture
async def books() -> Books:
    found = Books()
    await found.come(
        FIRST, *bill(line("10", "p4d", "a1", "4"), line("5", "t3", "a1", "9"), line("2", "p4d", "a2", "1"))
    )
    return found


async def test_a_bill_is_summed_by_what_it_tells(books: Books) -> None:
    assert await books.groups(group_by="account") == {("a1",): "15.00", ("a2",): "2.00"}
    assert await books.groups(group_by="service_name,sku,region") == {
        ("Amazon EC2", "p4d", "eu"): "12.00",
        ("Amazon EC2", "t3", "eu"): "5.00",
    }
    assert await books.groups(group_by="sku", account="a2") == {("p4d",): "2.00"}


async def test_the_same_question_is_added_up_again_when_a_bill_of_its_days_has_changed(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[bytes] = []

    def counted(text: bytes) -> list[tuple[DetailKey, DetailRow]]:
        read.append(text)
        return decode_lines(text)

    monkeypatch.setattr(bill_lines, "decode_lines", counted)
    documents: defaultdict[str, dict[str, bytes]] = defaultdict(dict)
    asked = WHOLE | {"source": "billing", "group_by": "sku"}
    books.show(documents)
    totals, decoded = [], []
    async with client(ViewOfEvents([USED], documents), now=NOW.timestamp()) as api:
        for restated in (None, None, line("11", "p4d", "a1", "4", assembly="e2"), None):
            if restated is not None:
                await books.come(SECOND, *bill(restated, written=2))
            books.show(documents)
            totals.append((await api.get("/costs", params=asked)).json()["total"])
            decoded.append(len(read))
        await api.get("/costs", params=asked | {"account": "a2"})
    assert totals == ["17.00", "17.00", "11.00", "11.00"]
    assert decoded[0] == decoded[1] < decoded[2] == decoded[3] < len(read)


async def test_quantities_are_summed_by_unit_and_left_out_where_one_is_not_told(books: Books) -> None:
    answer = (await books.ask(group_by="sku,unit")).json()
    assert [(group["key"], group["units"]) for group in answer["groups"]] == [
        ({"sku": "p4d", "unit": "Hrs"}, "5"),
        ({"sku": "t3", "unit": "Hrs"}, "9"),
    ]
    restated = line("1", "p4d", "a1", assembly="e2"), line("1", "p4d", "a1", "2", assembly="e2")
    await books.come(SECOND, *bill(*restated, written=2))
    answer = (await books.ask(group_by="sku")).json()
    assert [group.get("units") for group in answer["groups"]] == [None]


async def test_bills_are_answered_as_they_were_known_at_an_instant(books: Books) -> None:
    await books.come(SECOND, *bill(line("11", "p4d", "a1", "4", assembly="e2"), written=2))
    known = {at: await books.groups(as_of=f"{at.isoformat()}") for at in (FIRST - DAY, FIRST, SECOND - DAY / 2, SECOND)}
    assert list(known.values()) == [{}, {(): "17.00"}, {(): "17.00"}, {(): "11.00"}]
    assert await books.groups(group_by="sku") == {("p4d",): "11.00"}


async def test_a_correction_from_elsewhere_is_known_from_the_instant_at_which_it_came(books: Books) -> None:
    correction = msgspec.structs.replace(line("-3", "p4d", "a1"), assembly="", statement="", charge_class="Correction")
    event = {"specversion": "1.0", "id": "1", "source": "/x", "type": "costguard.billing.delta", "data": correction}
    await books.come(SECOND, msgspec.json.encode(event))
    assert await books.groups(as_of=(SECOND - timedelta(milliseconds=1)).isoformat()) == {(): "17.00"}
    assert await books.groups(as_of=SECOND.isoformat()) == {(): "14.00"}


async def test_the_best_figure_of_an_instant_is_the_estimate_until_the_bill_comes(books: Books) -> None:
    before = (await books.ask(source="best", as_of=(FIRST - DAY).isoformat())).json()
    after = (await books.ask(source="best", as_of=FIRST.isoformat())).json()
    assert (before["total"], after["total"]) == ("9.00", "17.00")
    assert before["completeness"]["billed"] is None
    assert after["completeness"]["billed"] == [{"provider": "aws", "complete_until": "2026-11-02T00:00:00Z"}]
    assert after["completeness"]["as_of"] == FIRST.isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"granularity": "hour", "group_by": "sku"}, "kept by day"),
        ({"as_of": "yesterday"}, "RFC 3339"),
        ({"as_of": "2026-11-02T00:00:00Z", "source": "metered"}, "as of now only"),
        ({"as_of": "2026-11-02T00:00:00Z", "allocation": "rules"}, "without details"),
    ],
)
async def test_what_details_cannot_answer_is_refused(books: Books, asked: dict[str, str], reason: str) -> None:
    answer = await books.ask(**asked)
    assert (answer.status_code, reason in answer.json()["detail"]) == (422, True)


async def test_edges_inside_a_day_are_answered_for_the_whole_day(books: Books) -> None:
    answer = (await books.ask(group_by="sku", start="2026-11-01T10:00:00Z", end="2026-11-01T11:00:00Z")).json()
    assert answer["window"] == {"start": "2026-11-01T00:00:00Z", "end": "2026-11-02T00:00:00Z"}
    assert answer["total"] == "17.00"
