"""What a worker does between batches: forget what is past its retention, check that the parts sum to the whole."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from mode import Service

from tables.tenure import PartitionLostError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from agents.billing import Billing
    from agents.budgets import Budgets
    from agents.closing import Sweep
    from agents.metering import Metering
    from agents.rollup import RollingUp
    from tables.ledger import LedgerTable

AUDIT_EVERY: Final = 15.0
EXPIRE_EVERY: Final = 3600.0
FOLLOW_EVERY: Final = 0.5
SWEEP_EVERY: Final = 2.0


class Upkeep(Service):
    """Timers of a worker; a partition that is taken away meanwhile is its new owner's to keep."""

    def __init__(
        self,
        *,
        metering: Metering,
        billing: Billing,
        rolling_up: RollingUp,
        budgets: Budgets,
        costs: LedgerTable,
        sweep: Sweep | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._metering = metering
        self._billing = billing
        self._rolling_up = rolling_up
        self._budgets = budgets
        self._costs = costs
        self._sweep = sweep

    @Service.task
    async def _show_what_was_moved_here(self) -> None:
        epoch = 0
        while not self.should_stop:
            if self._costs.epoch != epoch and self._costs.owned():
                epoch = self._costs.epoch
                await self._unless_lost(self._rolling_up.show_all)
                await self._unless_lost(self._billing.show_all)
            await self.sleep(FOLLOW_EVERY)

    @Service.task
    async def _audit(self) -> None:
        while not self.should_stop:
            await self.sleep(AUDIT_EVERY)
            self._rolling_up.audit()

    @Service.task
    async def _close_hours(self) -> None:
        sweep = self._sweep
        while sweep is not None and not self.should_stop:
            await self.sleep(SWEEP_EVERY)
            await self._unless_lost(self._metering.report)
            await self._unless_lost(partial(self._rolling_up.sweep, sweep))

    @Service.task
    async def _expire(self) -> None:
        while not self.should_stop:
            await self.sleep(EXPIRE_EVERY)
            for expire in (self._metering.expire, self._billing.expire, self._rolling_up.expire, self._budgets.expire):
                await self._unless_lost(expire)

    async def _unless_lost(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except PartitionLostError as lost:
            self.log.info("%s was taken away during its upkeep", lost)
