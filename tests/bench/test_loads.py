from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import orjson

from bench.api.view import AMOUNT, DAYS, month
from bench.latency import producer
from domain import codec
from domain.projections import PROJECTIONS
from domain.rejection import Rejected
from domain.windows import Granularity

NOON = int(datetime.fromisoformat("2026-11-23T12:00:00Z").timestamp())


def test_a_paced_event_has_a_new_id_and_the_time_that_it_is_sent() -> None:
    ready = producer.templates()
    values = [value for _, value in (producer.event(ready, number, b"2026-11-23T12:00:00Z") for number in range(5_000))]
    assert not any(isinstance(codec.decode(value), Rejected) for value in values)
    sent = [orjson.loads(value) for value in values]
    assert len({event["id"] for event in sent}) == len(sent)
    assert {event["time"] for event in sent} == {"2026-11-23T12:00:00Z"}


def test_every_projection_of_the_month_has_the_same_total() -> None:
    totals = dict.fromkeys(PROJECTIONS, Decimal(0))
    for rows in month(200, NOON):
        for (_, place), lines in rows.items():
            if place.window.granularity is Granularity.DAY:
                totals[place.projection] += sum(row.amount for _, row in lines.values())
    assert set(totals.values()) == {AMOUNT * 200 * DAYS}
