"""From rows of bills to anomalies over fakes: complete days only, one alarm each, and what restatements make of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson

from agents.anomaly import Detecting
from agents.anomaly_told import AnomalyTopics
from agents.billing import Billing, BillingTopics, Rules
from domain.anomaly.calendar import AnomalySettings
from domain.anomaly.episodes import CLOSED, DETECTED
from domain.billing.editions import Edition
from domain.billing.records import closing_record, row_record
from domain.billing.tags import TagTable
from domain.fx import Month, OwnRate, Rates
from domain.ownership import Ownership
from tests.agents.fakes import MemoryPublisher, MemoryView, batch
from tests.agents.memory_table import MemoryTable
from tests.domain.billing.test_books import row

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from domain.billing.row import BillingRow

FIRST = datetime(2026, 10, 1, tzinfo=UTC)
DAY = timedelta(days=1)
RATES = [OwnRate(Month(2026, 10), "EUR", "USD", Decimal("1.1")), OwnRate(Month(2026, 11), "EUR", "USD", Decimal("1.6"))]
Charge = dict[str, Any]


class House:
    """Billing and detection over tables and topics that outlive them."""

    def __init__(self) -> None:
        self.publisher, self.view, self.detectors = MemoryPublisher(), MemoryView(), MemoryTable()
        self.billing = Billing(
            topics=BillingTopics("deltas", "totals", "dead", "hours"), bills=MemoryTable(), publisher=self.publisher,
            view=self.view, rules=Rules(Rates(own=RATES), "USD", TagTable(), Ownership()), partitions=1,
            clock=lambda: 1_795_000_000.0,
        )  # fmt: skip
        self.sent = self.read = self.editions = 0
        self.start()

    def start(self) -> None:
        self.detecting = Detecting(
            topics=AnomalyTopics("detected", "dead"), detectors=self.detectors, publisher=self.publisher,
            view=self.view, settings=AnomalySettings(), currency="USD", partitions=1, clock=lambda: 1_795_000_000.0,
        )  # fmt: skip

    async def bill(self, charges: Sequence[tuple[datetime, Charge]], *, final: bool = True, account: str = "a") -> None:
        """Import an edition of each month that charges are of; one that is not final has a last day that may grow."""
        self.editions += 1
        for month in sorted({at.replace(day=1) for at, _ in charges}):
            name, assembly = f"AWS/cur/{account}/{month:%Y-%m-%d}", f"{account}{self.editions}"
            rows = [_row(at, charge, name, assembly) for at, charge in charges if at.replace(day=1) == month]
            latest = max(row.charge_period_start for row in rows) + DAY
            edition = Edition(
                name, "", assembly, int((latest + self.editions * timedelta(hours=1)).timestamp()), final=final,
                latest=int(latest.timestamp()) - 1, rows=len(rows), rejected=0, content=f"{self.editions:x}",
            )  # fmt: skip
            records = [row_record(each, ordinal) for ordinal, each in enumerate(rows)] + [closing_record(edition)]
            await self.billing.handle(batch("deltas", [value for _, value, _ in records], self.sent))
            self.sent += len(records)
        await self.take(self.read)

    async def take(self, first: int) -> None:
        values = [value for _, value, _ in self.publisher.sent["hours"]]
        await self.detecting.handle(batch("hours", values[first:], first))
        self.read = len(values)

    def told(self, kind: str = DETECTED) -> list[Any]:
        events = [orjson.loads(value or b"") for _, value, _ in self.publisher.sent["detected"]]
        return [event["data"] for event in events if event["type"] == kind]

    def shown(self) -> list[Any]:
        found = [orjson.loads(text) for (kind, _), text in self.view.documents.items() if kind == "anomalies" and text]
        return sorted(found, key=lambda each: str(each["since"]))


def _row(at: datetime, charge: Charge, statement: str, assembly: str) -> BillingRow:
    usual: Charge = {"sub_account_id": "one", "service_name": "EC2 Instance", "sku_id": "m5", "team": "core"}
    more = {**usual, **charge}
    made = row(str(more.pop("cost")), assembly=assembly, statement=statement, **{
        name: value for name, value in more.items() if name != "currency"
    })  # fmt: skip
    period = {"charge_period_start": at, "charge_period_end": at + DAY, "billing_currency": more.get("currency", "USD")}
    return type(made)(**{**{name: getattr(made, name) for name in made.__struct_fields__}, **period})


def month(days: int, shape: Callable[[int], Sequence[Charge]]) -> list[tuple[datetime, Charge]]:
    return [(FIRST + day * DAY, charge) for day in range(days) for charge in shape(day)]


def two_services(day: int, factor: float = 1.0) -> list[Charge]:
    """One that is measured, with noise of a few percent, and one that is not."""
    units = (1000 + 17 * (day * 7 % 5)) * factor
    return [
        {"cost": f"{units * 0.1:.4f}", "pricing_quantity": Decimal(f"{units:.3f}"), "pricing_unit": "Hrs"},
        {"cost": f"{40 + day % 3}", "service_name": "Simple Storage Service", "sku_id": "s3", "team": "data"},
    ]


def sums(anomaly: Any) -> bool:
    terms = sum((Decimal(term) for term in anomaly["decomposition"].values()), Decimal(0))
    return terms == Decimal(anomaly["actual"]) - Decimal(anomaly["expected"]) == Decimal(anomaly["difference"])


async def test_an_incomplete_last_day_is_no_alarm_and_neither_is_the_whole_one() -> None:
    house = House()
    started = [*month(20, two_services), (FIRST + 20 * DAY, {"cost": "9"})]
    await house.bill(started, final=False)
    assert house.told() == []
    await house.bill(month(21, two_services))
    assert house.told() == []


async def test_a_spike_is_told_once_of_its_account_and_service_with_its_sku() -> None:
    house = House()
    await house.bill(month(22, lambda day: two_services(day, 2.0 if day == 20 else 1.0)))
    (found,) = house.told()
    assert (found["kind"], found["source"], found["provider"]) == ("spike", "billed", "aws")
    assert found["scope"] == {"account": "one", "service_name": "EC2 Instance"}
    assert found["window"] == {"start": "2026-10-21T00:00:00Z", "end": "2026-10-22T00:00:00Z"}
    assert sums(found)
    assert found["suspected_driver"] == "volume"
    assert ("sku", "m5") in {(each["dimension"], each["value"]) for each in found["contributors"]}
    assert (found["owner"], "all" in found["also"]) == ("core", True)
    assert len(house.shown()[0]["series"]) == 22


async def test_a_dearer_sku_at_the_same_quantity_is_a_risen_unit_cost() -> None:
    house = House()

    def dearer(day: int) -> list[Charge]:
        measured, other = two_services(day)
        return [measured | {"cost": f"{Decimal(measured['cost']) * Decimal('1.15')}"} if day >= 20 else measured, other]

    await house.bill(month(22, dearer))
    (found,) = house.told()
    assert (found["kind"], found["suspected_driver"]) == ("unit-cost", "price")
    assert sums(found)


async def test_a_restatement_begins_an_alarm_as_a_correction_and_another_ends_it() -> None:
    house = House()
    await house.bill(month(25, two_services))
    await house.bill([*month(25, two_services), (FIRST + 20 * DAY, {"cost": "90", "sku_id": "support"})])
    (found,) = house.told()
    assert found["suspected_driver"] == "correction"
    assert Decimal(found["decomposition"]["correction"]) == Decimal(90)
    assert sums(found)
    await house.bill(month(25, two_services))
    assert [each["closed"]["reason"] for each in house.told(CLOSED)] == ["corrected"]
    assert len(house.told()) == 1


async def test_a_new_rate_of_exchange_is_told_as_such() -> None:
    house = House()
    await house.bill(month(33, lambda day: [each | {"currency": "EUR"} for each in two_services(day)]))
    found = next(each for each in house.told() if each["scope"].get("service_name") == "EC2 Instance")
    assert found["since"] == "2026-11-01T00:00:00Z"
    assert found["suspected_driver"] == "fx"
    # The rate has gone from 1.1 to 1.6: that much of what was billed in euros.
    assert abs(Decimal(found["decomposition"]["fx"]) - Decimal(found["actual"]) * 5 / 16) < 1
    assert sums(found)


async def test_cost_that_a_restatement_moves_between_teams_is_allocation() -> None:
    house = House()
    await house.bill(month(25, two_services))
    moved = [
        (at, charge | {"team": "data"} if at == FIRST + 20 * DAY else charge) for at, charge in month(25, two_services)
    ]
    await house.bill(moved)
    assert house.told(), "a team has three times its cost"
    assert {each["suspected_driver"] for each in house.told()} == {"allocation"}
    assert all(sums(each) and "account" not in each["scope"] for each in house.told())
    assert all(Decimal(each["decomposition"]["correction"]) == 0 for each in house.told())


async def test_an_account_that_joins_is_no_rise_of_what_it_joins() -> None:
    house = House()
    await house.bill(month(25, two_services))
    await house.bill(
        month(25, lambda day: [each | {"sub_account_id": "two"} for each in two_services(day)]), account="b"
    )
    assert house.told() == []
    await house.bill(month(27, lambda day: two_services(day, 3.0 if day == 26 else 1.0)))
    assert house.told() == [], "the other account is not complete yet"


async def test_a_restart_and_a_replay_tell_the_same_ids() -> None:
    house = House()
    await house.bill(month(22, lambda day: two_services(day, 2.0 if day == 20 else 1.0)))
    (before,) = house.told()
    house.detectors.assign(0)
    house.start()
    await house.take(0)
    house.detectors = MemoryTable()
    house.start()
    await house.take(0)
    assert {each["anomaly_id"] for each in house.told()} == {before["anomaly_id"]}


async def test_feedback_no_ends_it() -> None:
    house = House()
    await house.bill(month(22, lambda day: two_services(day, 2.0 if day >= 20 else 1.0)))
    (found,) = house.told()
    command = orjson.dumps({"feedback": found["anomaly_id"], "verdict": "no"})
    await house.publisher.send_many("hours", [(None, command, 0)])
    await house.take(house.read)
    (closed,) = house.told(CLOSED)
    assert (closed["closed"]["reason"], closed["feedback"]) == ("dismissed", "no")


async def test_a_restatement_that_explains_an_alarm_that_is_over_says_so_and_tells_no_second_end() -> None:
    house = House()
    await house.bill(month(26, lambda day: two_services(day, 2.0 if day == 20 else 1.0)))
    assert [each["closed"]["reason"] for each in house.shown()] == ["back-to-normal"]
    await house.bill(month(26, two_services))
    assert [each["closed"]["reason"] for each in house.shown()] == ["corrected"]
    assert (len(house.told()), len(house.told(CLOSED))) == (1, 1)
