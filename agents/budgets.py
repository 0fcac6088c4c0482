"""Budgets: commands and spend in, transitions and statuses out.

Reads `budget-commands` and `budget-spend` in batches; both are keyed by scope and partitioned alike, so each budget has
one owner. Writes the table `budgets`. Emits `budget-threshold-crossed` (key: scope), `budget-status` (key: budget id),
to every partition of `cost-totals` a control record for each command and each new period, and to `dead-letter` what
cannot be read; shows statuses in the view.
Records are sent, then rows are committed: a crash in between sends the same events with the same ids again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, Protocol

from agents import metrics
from agents.batch import each
from agents.budgets_fold import AGENT, Fold, Outcome
from domain.money import quantity_to_text
from domain.windows import to_rfc3339
from tables.budgets import expired
from tables.tenure import PartitionLostError, chunks

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable

    import faust

    from agents.batch import Batch
    from agents.ports import Clock, Publisher, Table, Tenure, View
    from domain.budgets import ThresholdCrossed
    from domain.scope import ScopeFilter

logger = logging.getLogger(__name__)

KIND: Final = "budgets"
TICK_SECONDS: Final = 5.0
# A view that lost its memory is whole again after this long.
SHOW_SECONDS: Final = 10.0


class Topics(Protocol):
    """Names of the topics that the agent reads and writes."""

    @property
    def budget_commands(self) -> str:
        """Budgets set and deleted."""

    @property
    def budget_spend(self) -> str:
        """Parts of what budgets have spent."""

    @property
    def budget_threshold_crossed(self) -> str:
        """Transitions."""

    @property
    def budget_status(self) -> str:
        """State."""

    @property
    def cost_totals(self) -> str:
        """Where spend is totalled: control records go there."""

    @property
    def dead_letter(self) -> str:
        """What could not be used."""


class Budgets:
    """The budgets of the partitions that this worker owns.

    `partitions` is the number of partitions of `cost-totals`. `partition_of` says which partition of
    `budget-commands` a key belongs to; None trusts that every producer agrees with us about that.
    """

    def __init__(
        self,
        *,
        topics: Topics,
        table: Table,
        publisher: Publisher,
        view: View,
        currency: str,
        partitions: int,
        clock: Clock,
        partition_of: Callable[[bytes], int] | None = None,
    ) -> None:
        self._topics = topics
        self._table = table
        self._publisher = publisher
        self._view = view
        self._currency = currency
        self._partitions = partitions
        self._clock = clock
        self._partition_of = partition_of
        self._locks: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._shown_epoch = -1
        self._shown_at = 0.0

    async def handle(self, batch: Batch) -> None:
        """Follow one batch; return when everything it caused is acknowledged."""
        async with self._locks[batch.partition]:
            rows = self._table.tenure(batch.partition)
            fold = self._fold(batch.partition, rows)
            take = fold.command if batch.topic == self._topics.budget_commands else fold.spend
            for record in batch.records:
                take(record)
            outcome = fold.outcome()
            letters = [batch.dead_letter(AGENT, *rejected, self._clock()) for rejected in outcome.rejected]
            await self._publisher.send_many(self._topics.dead_letter, [(None, letter, None) for letter in letters])
            await self._carry_out(rows, outcome)
        metrics.REJECTED.labels(batch.topic).inc(len(letters))

    async def tick(self) -> None:
        """Roll periods over by the clock; show everything after a rebalance, and now and then."""
        show = self._is_view_due()
        for partition, rows in self._table.tenures():
            async with self._locks[partition]:
                try:
                    await self._carry_out(rows, self._rolled_over(partition, rows))
                    if show:
                        self._show(partition, rows)
                except PartitionLostError as lost:
                    logger.info("%s was taken away; its new owner goes on", lost)

    async def expire(self) -> None:
        """Forget periods older than their retention, in every owned partition."""
        for _, rows in self._table.tenures():
            await rows.delete(list(expired(rows, int(self._clock()))))

    def _fold(self, partition: int, rows: Tenure) -> Fold:
        def at_home(scope: ScopeFilter) -> bool:
            return self._partition_of is None or self._partition_of(str(scope).encode()) == partition

        return Fold(
            rows,
            currency=self._currency,
            now=int(self._clock()),
            at_home=at_home,
        )

    def _rolled_over(self, partition: int, rows: Tenure) -> Outcome:
        fold = self._fold(partition, rows)
        fold.roll_over()
        return fold.outcome()

    def _is_view_due(self) -> bool:
        now, epoch = self._clock(), self._table.epoch
        if epoch == self._shown_epoch and now - self._shown_at < SHOW_SECONDS:
            return False
        self._shown_epoch, self._shown_at = epoch, now
        return True

    def _show(self, partition: int, rows: Tenure) -> None:
        fold = self._fold(partition, rows)
        fold.show()
        self._show_documents(fold.outcome())

    async def _carry_out(self, rows: Tenure, outcome: Outcome) -> None:
        send = self._publisher.send_many
        topics = self._topics
        control = [(None, value, owner) for value in outcome.control for owner in range(self._partitions)]
        await asyncio.gather(
            send(topics.budget_commands, outcome.misplaced),
            send(topics.budget_threshold_crossed, outcome.crossed),
            send(topics.budget_status, outcome.statuses),
            send(topics.cost_totals, control),
        )
        for chunk in chunks(outcome.rows):
            await rows.commit(chunk)
        self._show_documents(outcome)
        for transition, cause in outcome.transitions:
            metrics.BUDGET_TRANSITIONS.labels(transition.direction, transition.kind).inc()
            logger.info("threshold %s", transition.direction, extra={"about": _about(transition, cause)})

    def _show_documents(self, outcome: Outcome) -> None:
        for budget_id, document in outcome.documents.items():
            self._view.document(KIND, budget_id, document)


def _about(transition: ThresholdCrossed, cause: str) -> dict[str, str]:
    """Return what leads from the log of an effect back to its cause: the totals that a partition had by then."""
    return {
        "event_id": transition.id,
        "budget_id": transition.budget.id,
        "scope": str(transition.budget.scope),
        "period_start": to_rfc3339(transition.period.start),
        "kind": transition.kind,
        "threshold": quantity_to_text(transition.threshold),
        "caused_by": cause,
    }


def install(
    app: faust.App,
    *,
    channel: faust.ChannelT[Any],
    topics: Topics,
    table: Table,
    publisher: Publisher,
    view: View,
    currency: str,
    partitions: int,
    clock: Clock,
    fatal: Callable[[BaseException], None],
    partition_of: Callable[[bytes], int] | None = None,
) -> Budgets:
    """Register the agent `budgets` on a channel of both topics, and its timer; see `Budgets`."""
    agent = Budgets(
        topics=topics,
        table=table,
        publisher=publisher,
        view=view,
        currency=currency,
        partitions=partitions,
        clock=clock,
        partition_of=partition_of,
    )

    @app.agent(channel, name="budgets")
    async def follow(stream: AsyncIterable[Any]) -> None:
        await each(stream, agent.handle, fatal)

    @app.timer(interval=TICK_SECONDS, name="budget-periods")  # type: ignore[untyped-decorator]
    async def roll_over() -> None:
        await agent.tick()

    return agent
