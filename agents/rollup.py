"""The rollup: running totals of source partitions in, cost by scope, window and budget out.

Reads `cost-totals` in batches: packets of totals, and control records that open and close budgets. Writes the table
`costs`, keyed by owner partition, and shows it in the view. Emits `cost-attributed` (key: scope) and `budget-spend`
(key: budget scope), and what it cannot read to `dead-letter`. Owners are tenants, so a projection across tenants is a
part per partition; readers add the parts.
On failure the process ends and the batch comes again: totals overwrite their slots, so nothing counts twice, and
what was touched is sent again, so nothing stays unsent.
"""

from __future__ import annotations

import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

import msgspec
import orjson

from agents import metrics
from agents.batch import Batch, Merger, Rest
from agents.closing import Hours
from agents.rollup_records import Control, read_record
from agents.rollup_rows import CostRows
from agents.rollup_told import attributed
from agents.rollup_users import Users, hidden, shown_users
from agents.showing import show_documents
from domain.cost_rows import BudgetRow, SpendKey, SpendRow
from domain.rejection import Rejected
from domain.rollup import Arrived, Group, Rollup, groups, newest
from domain.sources import METERED, parse
from domain.totals import reported
from domain.windows import DAY
from tables import costs as table
from tables.tenure import BatchTooLargeError

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Iterable, Iterator, Mapping, Sequence

    import faust

    from agents.closing import Sweep
    from agents.ports import Clock, Outgoing, Publisher, Table, Tenure, View
    from domain.anomaly.sources import Report
    from domain.cost_rows import CostCellKey
    from domain.users import Seen

AGENT: Final = "rollup"
SHOWN_AT_ONCE: Final = 2_000
# Totals of a minute that is going on come again and again: what arrives meanwhile is folded once.
REST: Final = Rest(per_work=1.0, at_most=0.6)

_encode = msgspec.msgpack.Encoder().encode


class RollupTopics(msgspec.Struct, frozen=True):
    """Topic names that the rollup reads and writes."""

    totals: str
    attributed: str
    spend: str
    dead_letter: str


class Partition:
    """What this worker knows of one owner partition."""

    def __init__(self, number: int, costs: Tenure, sources: int) -> None:
        self.number = number
        self.costs = costs
        self.rows = CostRows(costs)
        self.rollup = Rollup(self.rows, self.rows.budgets())
        self.watermark = self.rows.watermark()
        self.days: set[int] = set()
        self.hours = Hours(costs, sources)
        self.users = Users(costs)


class RollingUp:
    """Folds the batches of every owner partition that this worker owns; `sources` are the partitions of usage."""

    def __init__(
        self,
        *,
        topics: RollupTopics,
        costs: Table,
        publisher: Publisher,
        view: View,
        currency: str,
        sources: int,
        clock: Clock,
    ) -> None:
        self._topics = topics
        self._costs = costs
        self._sources = sources
        self._publisher = publisher
        self._view = view
        self._currency = currency
        self._clock = clock
        self._partitions: dict[int, Partition] = {}

    async def handle(self, batch: Batch) -> None:
        """Fold one batch; return when everything it caused is acknowledged."""
        started = time.perf_counter()
        state = self._partition(batch.partition)
        arrived: list[Arrived] = []
        reports: list[tuple[int, Report]] = []
        seen: list[tuple[int, Seen]] = []
        letters: list[bytes] = []
        for record in batch.records:
            read = read_record(record.value)
            if isinstance(read, Rejected):
                letters.append(batch.dead_letter(AGENT, record, read.reason, self._clock()))
            elif isinstance(read, Control):
                await self._fold(state, arrived)
                arrived = []
                await self._control(state, record.offset, read)
            elif read is not None:
                packet = read
                state.watermark = max(state.watermark, packet.watermark)
                if parse(packet.source).kind == METERED:
                    reports.append((packet.partition, reported(packet)))
                seen += [(record.offset, users) for users in packet.seen]
                arrived += [Arrived(record.offset, packet.source, packet.partition, total) for total in packet.totals]
        await self._fold(state, arrived)
        await self._publisher.send_many(self._topics.dead_letter, [(None, letter, None) for letter in letters])
        for document in await state.users.fold(seen):
            self._view.document(*document)
        # They speak of what was folded by now, and not before.
        state.hours.heard(reports, self._clock())
        self._view.progress(f"rollup:{batch.partition}", orjson.dumps({"offset": batch.records[-1].offset}))
        metrics.BATCH_EVENTS.labels(batch.topic).observe(len(batch.records))
        metrics.STAGE_SECONDS.labels("rollup").inc(time.perf_counter() - started)

    def _partition(self, number: int) -> Partition:
        known = self._partitions.get(number)
        if known is None or not known.costs.held:
            known = self._partitions[number] = Partition(number, self._costs.tenure(number), self._sources)
        return known

    def newest(self) -> int:
        """Return the event time that any source has reached, as far as is known here (epoch seconds); 0 at first."""
        return max((state.watermark for state in self._partitions.values()), default=0)

    async def _fold(self, state: Partition, arrived: list[Arrived]) -> None:
        with metrics.cpu("rollup"):
            cells = newest(arrived)
        for group in groups(cells):
            await self._fold_group(state, group)

    async def _fold_group(self, state: Partition, cells: Sequence[tuple[CostCellKey, list[Arrived]]]) -> None:
        with metrics.cpu("rollup"):
            group = state.rollup.fold(cells)
        with metrics.cpu("cost rows"):
            metered = [key.minute for key in group.cells if parse(key.cell.source).kind == METERED]
            rows = state.rows.encode(group, state.watermark) | state.hours.touch(metered, self._clock())
        try:
            await state.costs.commit(rows)
        except BatchTooLargeError:
            if len(cells) == 1:
                raise
            middle = len(cells) // 2
            await self._fold_group(state, cells[:middle])
            await self._fold_group(state, cells[middle:])
            return
        state.hours.wrote()
        state.rows.remember(group)
        state.days.update(minute - minute % DAY for minute in {key.minute for key in group.cells})
        self._view.costs(state.number, group.projections, state.costs.position)
        await self._publish(state, group)

    async def _publish(self, state: Partition, group: Group) -> None:
        now = int(self._clock())
        with metrics.cpu("cost events"):
            told = [attributed(key, row, self._currency, now) for key, row in group.cells.items()]
        await self._publisher.send_many(self._topics.attributed, told)
        await self._send_spends(state, group.spends)

    async def _send_spends(self, state: Partition, spends: Mapping[SpendKey, SpendRow]) -> None:
        by_budget: defaultdict[str, list[tuple[Any, ...]]] = defaultdict(list)
        for key, row in spends.items():
            spend = (
                key.budget_id, key.budget_version, key.period_start,
                state.number, row.version, format(row.spent, "f"), row.at, key.step, row.unpriced,
            )  # fmt: skip
            by_budget[key.budget_id].append(spend)
        budgets = state.rollup.budgets
        records: list[Outgoing] = [
            (str(budgets[budget_id].scope).encode(), _encode(sent), None)
            for budget_id, sent in by_budget.items()
            if budget_id in budgets
        ]
        await self._publisher.send_many(self._topics.spend, records)

    async def _control(self, state: Partition, offset: int, control: Control) -> None:
        """Open, reopen or close a budget; a repeat changes nothing and sends its spend again."""
        budget_id = control.budget_id
        known = state.rollup.budgets.get(budget_id)
        if control.deleted:
            state.rollup.budgets.pop(budget_id, None)
            await self._forget(state, table.budget_key(budget_id), table.spends_of(budget_id))
            return
        budget = BudgetRow(
            version=offset,
            budget_id=budget_id,
            budget_version=control.version,
            terms=control.scope,
            period=control.period,
            timezone=control.timezone,
            week_start=control.week_start,
            basis=control.basis,
        )
        if known is not None and known.budget_version > budget.budget_version:
            return
        state.rollup.budgets[budget_id] = budget
        if known is not None and known.budget_version < budget.budget_version:
            await self._forget(state, table.spends_of(budget_id, known.budget_version))
        await self._open(state, budget, state.watermark if control.instant is None else control.instant)

    async def _open(self, state: Partition, budget: BudgetRow, instant: int) -> None:
        rows: dict[bytes, bytes | None] = {table.budget_key(budget.budget_id): table.encode(budget)}
        spends: Mapping[SpendKey, SpendRow] = {}
        if instant:
            spends = state.rollup.open_period(budget, instant)
            rows |= {table.spend_key(key): table.encode(row) for key, row in spends.items()}
        await state.costs.commit(rows)
        state.rows.remember(Group(spends=dict(spends)))
        await self._send_spends(state, spends)

    async def _forget(self, state: Partition, *prefixes: bytes) -> None:
        for prefix in prefixes:
            await state.costs.delete(key for key, _ in state.costs.scan(prefix))
        state.rows.clear()

    async def show_all(self) -> None:
        """Show every projected cost of every owned partition: after a rebalance, or when Redis came back empty."""
        for number, costs in self._costs.tenures():
            for shown, (key, _) in enumerate(costs.scan(table.PROJECTED)):
                if shown % SHOWN_AT_ONCE == 0:
                    await self._view.room()
                # Read anew: what was scanned may be older than what was folded since.
                row = costs.get(key)
                if row is not None:
                    shown_key = table.split_projection_key(key)
                    rows = {shown_key.place: {shown_key.line: table.decode_projection(row)}}
                    self._view.costs(number, rows, costs.position)
            await show_documents(self._view, shown_users(costs), SHOWN_AT_ONCE)

    async def sweep(self, sweep: Sweep) -> None:
        """Send what is closed by now of every owned partition to detection."""
        for number in self._costs.owned():
            state = self._partition(number)
            await sweep.partition(number, state.costs, state.hours)

    async def expire(self) -> None:
        """Delete rows older than their retention, in every owned partition, some at a time."""
        for number in self._costs.owned():
            state = self._partition(number)
            await state.costs.delete(self._hiding(state.rows.expired(int(self._clock()))))
            state.rows.clear()

    def _hiding(self, keys: Iterable[bytes]) -> Iterator[bytes]:
        for key in keys:
            if key.startswith(table.USERS):
                self._view.document(*hidden(key))
            yield key

    def audit(self) -> None:
        """Export the largest gap between the parts and the whole over the days touched since the last audit."""
        held = [state for state in self._partitions.values() if state.costs.held]
        gap = max((state.rows.gap(state.days) for state in held), default=0)
        for state in held:
            state.days.clear()
        metrics.CONSERVATION_GAP.set(float(gap))


def install(
    app: faust.App,
    *,
    channel: faust.ChannelT[Any],
    rolling_up: RollingUp,
    fatal: Callable[[BaseException], None],
) -> None:
    """Register the agent `rollup`."""

    @app.agent(channel, name="rollup")
    async def roll_up(stream: AsyncIterable[Any]) -> None:
        await Merger(rolling_up.handle, fatal, REST).follow(stream)
