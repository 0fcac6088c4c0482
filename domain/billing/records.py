"""Bills as records of `billing-deltas`: a CloudEvent for each row, and one that closes an edition."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import msgspec

from domain.billing.datasets import routing_key
from domain.billing.editions import EDITION_CLOSED, Edition
from domain.billing.resources import RESOURCES_TOLD, ResourcesOfDay
from domain.billing.row import BILLING_DELTA, BillingRow, event_id
from domain.cloudevents import event_id as hashed

if TYPE_CHECKING:
    from datetime import datetime

SOURCE: Final = "/costguard/billing-import"
Record = tuple[bytes | None, bytes | None, int | None]
_encode = msgspec.json.Encoder().encode


def row_record(row: BillingRow, ordinal: int) -> Record:
    """Return key and CloudEvent of a row; its time is the beginning of its charge period.

    `ordinal` is its place among the rows of its statement in this edition, the same whenever that is imported.
    """
    value = _ROW % (event_id(row).encode(), _time(row.charge_period_start), ordinal, _encode(row))
    return _key(row.statement), value, None


@lru_cache(maxsize=10_000)
def _key(statement: str) -> bytes:
    return routing_key(statement).encode()


@lru_cache(maxsize=10_000)
def _time(instant: datetime) -> bytes:
    return _encode(instant)


def resources_record(told: ResourcesOfDay, edition: Edition) -> Record:
    """Return key and CloudEvent that say what the dearest resources of an edition come to on a day."""
    identifier = hashed(RESOURCES_TOLD, *edition.key, str(told.day))
    return (
        routing_key(told.statement).encode(),
        _envelope(RESOURCES_TOLD, identifier, edition.written_at, told),
        None,
    )


def closing_record(edition: Edition) -> Record:
    """Return key and CloudEvent that say: all rows of this edition are sent."""
    identifier = hashed(EDITION_CLOSED, *edition.key, edition.content, edition.rows)
    return (
        routing_key(edition.statement).encode(),
        _envelope(EDITION_CLOSED, identifier, edition.written_at, edition),
        None,
    )


def _envelope(kind: str, identifier: str, time: Any, data: Any, **more: Any) -> bytes:
    head = {
        "specversion": "1.0",
        "id": identifier,
        "source": SOURCE,
        "type": kind,
        "time": time,
        "datacontenttype": "application/json",
        **more,
    }
    return b'%s,"data":%s}' % (_encode(head)[:-1], _encode(data))


# Written out: encoding what is the same in every row anew takes longer than encoding the row.
_ROW: Final = (
    b'{"specversion":"1.0","id":"%s","source":"'
    + SOURCE.encode()
    + b'","type":"'
    + BILLING_DELTA.encode()
    + b'","time":%s,"datacontenttype":"application/json","ordinal":%d,"data":%s}'
)
