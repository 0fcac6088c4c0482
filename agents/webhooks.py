"""Webhooks, first half: what an event owes to whom.

Reads `budget-threshold-crossed`, `flag-changed` and `anomaly-detected` in batches; writes one pending row per
event and matching subscription into the `deliveries` table, keyed by both, and only then lets the batch be
acknowledged. Nothing is sent from here: `agents.webhooks_sender` does that, so a slow endpoint holds up
neither the stream nor another subscription. An event whose delivery is owed or settled already is skipped:
replays are silent. What cannot be read goes to `dead-letter`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from agents import batch as batches
from agents import metrics
from domain.rejection import Rejected
from domain.webhooks import Event, delivery_identity, parse_event
from tables.deliveries import PENDING, SETTLED, Pending, pending_rows

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Iterator, Sequence

    import faust

    from agents.batch import Batch
    from agents.ports import Clock, Publisher, Record, Table, Tenure
    from domain.webhooks import Subscription

# Well below what one commit of a table may carry.
COMMIT_BYTES: Final = 500_000


@dataclass(frozen=True, slots=True)
class Intake:
    """Turns events into pending deliveries; `queue(partition, identity, pending)` tells the sender."""

    subscriptions: Sequence[Subscription]
    table: Table
    publisher: Publisher
    dead_letters: str
    queue: Callable[[int, bytes, Pending], None]
    clock: Clock

    async def handle(self, batch: Batch) -> None:
        """Remember what the events of one batch owe."""
        table = self.table.tenure(batch.partition)
        letters: list[bytes] = []
        owed: dict[bytes, Pending] = {}
        for record in batch.records:
            event = parse_event(record.value or b"")
            if isinstance(event, Rejected):
                letters.append(batch.dead_letter("webhooks", record, event.reason, self.clock()))
                continue
            for subscription in filter(lambda one: one.wants(event), self.subscriptions):
                if subscription.is_too_old(event, self.clock()):
                    metrics.WEBHOOKS_TOO_OLD.labels(subscription.name).inc()
                    continue
                identity = delivery_identity(subscription.name, event)
                if identity not in owed and not _is_known(table, identity):
                    owed[identity] = _pending(subscription, event, batch.topic, record, self.clock())
        await self.publisher.send_many(self.dead_letters, [(None, letter, None) for letter in letters])
        for chunk in _chunks(owed):
            rows = {key: row for identity, each in chunk for key, row in pending_rows(identity, each).items()}
            await table.commit(rows)
            for identity, pending in chunk:
                self.queue(batch.partition, identity, pending)


def _is_known(table: Tenure, identity: bytes) -> bool:
    return any(table.get(kind + identity) is not None for kind in (PENDING, SETTLED))


def _pending(subscription: Subscription, event: Event, topic: str, record: Record, now: float) -> Pending:
    return Pending(
        version=record.offset,
        subscription=subscription.name,
        topic=topic,
        message_id=event.message_id,
        event_time=int(event.time.timestamp() * 1_000_000),
        first_at=now,
        due=now,
        attempts=0,
        body=record.value or b"",
    )


def _chunks(owed: dict[bytes, Pending]) -> Iterator[list[tuple[bytes, Pending]]]:
    chunk: list[tuple[bytes, Pending]] = []
    size = 0
    for item in owed.items():
        if chunk and size + len(item[1].body) > COMMIT_BYTES:
            yield chunk
            chunk, size = [], 0
        chunk.append(item)
        # A row is its body and some hundred bytes around it.
        size += len(item[1].body) + 500
    if chunk:
        yield chunk


def install(
    app: faust.App, *, channel: faust.ChannelT[Any], intake: Intake, fatal: Callable[[BaseException], None]
) -> None:
    """Register the agent `webhooks` on a channel of all event topics."""

    @app.agent(channel, name="webhooks")  # type: ignore[untyped-decorator,unused-ignore]
    async def webhooks(stream: AsyncIterable[Any]) -> None:
        await batches.each(stream, intake.handle, fatal)
