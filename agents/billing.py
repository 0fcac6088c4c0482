"""Bills: rows and ends of editions in, running totals out.

Reads `billing-deltas` in batches. Writes the table `bills`. Emits packets of running totals to `cost-totals`, as
the meter does, days of what is closed to the topic of closed hours, and what it cannot use to `dead-letter`; tells
statements of other months in `billing-deltas` that parts of purchases are gone (`domain.billing.spreading`); shows
editions and their details in the view. Nothing of an edition counts before it is closed; then the charges that it
changes are told, those that are gone as nothing. On failure the process ends, and the batch comes again: what is folded
is decided from what is stored, and totals overwrite their slots.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any, Final

import orjson

from agents import metrics
from agents.batch import Batch, each
from agents.billing_days import closed_days
from agents.billing_shown import bill_of, everything, forgotten, loose_name, news
from agents.billing_told import told
from agents.showing import show_documents
from domain import totals
from domain.billing.books import LOOSE, Fold, Folded
from domain.billing.coverage import coverage
from domain.billing.delta import read
from domain.billing.records import closing_record
from domain.billing.spreading import withdrawals
from domain.windows import DAY
from tables import bills as table
from tables.bills import Bills, Position
from tables.tenure import chunks

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Iterable

    import faust

    from agents.ports import Clock, Publisher, Table, Tenure, View
    from domain.billing.charges import ChargeKey
    from domain.billing.tags import TagTable
    from domain.fx import Rates
    from domain.ownership import Ownership
    from domain.totals import Total

AGENT: Final = "billing"
TOTALS_AT_ONCE: Final = 3_000
SHOWN_AT_ONCE: Final = 100
DAYS_AT_ONCE: Final = 20


@dataclass(frozen=True)
class BillingTopics:
    """Topic names that the agent reads and writes."""

    deltas: str
    totals: str
    dead_letter: str
    closed: str = ""  # empty: nobody looks for anomalies


@dataclass(frozen=True)
class Rules:
    """How a charge becomes cost: rates, reporting currency, tags that name a scope, owners."""

    rates: Rates
    currency: str
    tags: TagTable
    ownership: Ownership


class Billing:
    """Folds the batches of every partition that this worker owns; `partitions` are those of `cost-totals`."""

    def __init__(
        self,
        *,
        topics: BillingTopics,
        bills: Table,
        publisher: Publisher,
        view: View,
        rules: Rules,
        partitions: int,
        clock: Clock,
    ) -> None:
        self._topics = topics
        self._table = bills
        self._publisher = publisher
        self._view = view
        self._rules = rules
        self._partitions = partitions
        self._clock = clock

    async def handle(self, batch: Batch) -> None:
        """Fold one batch; return when everything it caused is acknowledged."""
        started = time.perf_counter()
        rows = self._table.tenure(batch.partition)
        bills = Bills(rows)
        position = bills.position()
        fold = Fold(
            bills,
            rates=self._rules.rates,
            currency=self._rules.currency,
            team_of=self._rules.ownership.team_of,
            published=position.published,
        )
        for record in batch.records:
            fold.add(record, read(record.value, record.headers, self._rules.tags))
        folded = fold.folded
        await self._dead_letters(batch, folded)
        await self._write(rows, position, folded)
        changed = told(bills, folded, position.published)
        while some := list(islice(changed, TOTALS_AT_ONCE)):
            await self._publish(batch, some)
        if self._topics.closed:
            days = closed_days(bills, folded)
            while some_days := list(islice(days, DAYS_AT_ONCE)):
                await self._publisher.send_many(self._topics.closed, [(None, message, 0) for message in some_days])
        await self._withdraw(bills, folded)
        await self._remember(rows, bills, batch)
        self.show(batch.partition, bills)
        for kind, name, document in news(batch.partition, bills, folded, position.published):
            self._view.document(kind, name, document)
        _observe(batch, folded, time.perf_counter() - started)

    async def _dead_letters(self, batch: Batch, folded: Folded) -> None:
        now = self._clock()
        letters = [batch.dead_letter(AGENT, record, reason, now) for record, reason in folded.rejected]  # type: ignore[arg-type]
        await self._publisher.send_many(self._topics.dead_letter, [(None, letter, None) for letter in letters])

    async def _write(self, rows: Tenure, position: Position, folded: Folded) -> None:
        """Write sums first, each with its own offset; then, at once, what says that they are written."""
        sums: dict[bytes, bytes | None] = {table.sum_key(key): table.encode(row) for key, row in folded.sums.items()}
        sums |= {table.detail_key(place): table.encode(row) for place, row in folded.details.items()}
        sums |= {table.resources_key(place): table.encode(row) for place, row in folded.resources.items()}
        for chunk in chunks(sums):
            await rows.commit(chunk)
        today = int(self._clock()) // DAY
        numbers = [row.number + 1 for row in folded.statements.values()]
        after = Position(position.version, position.published, max([position.statements, *numbers]))
        seen = {table.seen_key(name): table.encode((offset, today)) for name, offset in folded.seen.items()}
        done: dict[bytes, bytes | None] = {
            **{table.statement_key(name): table.encode(row) for name, row in folded.statements.items()},
            **seen,
            table.POSITION: table.encode(after),
        }
        for chunk in chunks(done):
            await rows.commit(chunk)

    async def _publish(self, batch: Batch, some: Iterable[tuple[ChargeKey, Total]]) -> None:
        by_source = sorted(some, key=lambda each: each[0].source)
        for source, found in groupby(by_source, key=lambda each: each[0].source):
            packets = totals.pack(
                source, batch.partition, batch.last_offset, 0, [total for _, total in found], self._partitions
            )
            records = [(None, packet, owner) for owner, packet in packets]
            await self._publisher.send_many(self._topics.totals, records)

    async def _withdraw(self, bills: Bills, folded: Folded) -> None:
        """Take back parts of purchases that the editions which count now do not have; repeats change nothing."""
        for statement in filter(None, map(bills.statement, sorted(folded.closed))):
            closed = [each.closed for each in statement.editions if each.closed is not None]
            records = [closing_record(edition) for edition in withdrawals(closed)]
            await self._publisher.send_many(self._topics.deltas, records)

    async def _remember(self, rows: Tenure, bills: Bills, batch: Batch) -> None:
        """Say that all totals of a batch are sent."""
        after = Position(batch.last_offset, batch.last_offset, bills.statements())
        await rows.commit({table.POSITION: table.encode(after)})

    def show(self, partition: int, bills: Bills) -> None:
        """Show until when bills are complete, by provider and account."""
        until = coverage((name, row.counting()) for name, row in bills.all_statements())
        self._view.progress(f"bills:{partition}", orjson.dumps({"complete_until": until}))

    async def show_all(self) -> None:
        """Show all bills of every owned partition: after a rebalance, or when Redis came back empty."""
        for partition, rows in self._table.tenures():
            bills = Bills(rows)
            await show_documents(self._view, everything(partition, bills), SHOWN_AT_ONCE)
            self.show(partition, bills)

    async def expire(self) -> None:
        """Forget bills, and identities of rows, that are past their retention."""
        oldest = int(self._clock()) // DAY - table.RETENTION_DAYS
        for partition, rows in self._table.tenures():
            bills = Bills(rows)
            old = [
                (name, row)
                for name, row in bills.all_statements()
                if name != LOOSE and all(_last_day(each) < oldest for each in row.editions)
            ]
            for name, row in old:
                for kind, shown in forgotten(partition, bills, row):
                    self._view.document(kind, shown, None)
                await rows.delete(key for key, _ in rows.scan(table.sums_of(row.number)))
                await rows.delete(key for key, _ in rows.scan(table.details_of(row.number)))
                await rows.delete(key for key, _ in rows.scan(table.resources_of(row.number)))
                await rows.commit({table.statement_key(name): None})
            await self._expire_loose(partition, rows, oldest)
            await rows.delete(key for key, row in rows.scan(table.SEEN) if table.decode_seen(row)[1] < oldest)

    async def _expire_loose(self, partition: int, rows: Tenure, oldest: int) -> None:
        loose = Bills(rows).statement(LOOSE)
        if loose is None:
            return
        old = [place for place, _ in Bills(rows).details(loose.number) if place.key.day // DAY < oldest]
        for place in old:
            self._view.document(bill_of(place.key.day), loose_name(partition, place), None)
        await rows.delete(map(table.detail_key, old))


def _last_day(progress: Any) -> int:
    return 0 if progress.closed is None else progress.closed.latest // DAY


def _observe(batch: Batch, folded: Folded, seconds: float) -> None:
    metrics.BILLING_ROWS.inc(folded.rows)
    metrics.BILLING_DUPLICATES.inc(folded.duplicates)
    metrics.REJECTED.labels(batch.topic).inc(len(folded.rejected))
    metrics.BATCH_EVENTS.labels(batch.topic).observe(len(batch.records))
    metrics.STAGE_SECONDS.labels(AGENT).inc(seconds)


def install(
    app: faust.App, *, channel: faust.ChannelT[Any], billing: Billing, fatal: Callable[[BaseException], None]
) -> None:
    """Register the agent `billing`."""

    @app.agent(channel, name=AGENT)
    async def follow_bills(stream: AsyncIterable[Any]) -> None:
        await each(stream, billing.handle, fatal)
