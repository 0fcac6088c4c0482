"""The importer: looks into folders of bills again and again, and sends what is new there to `billing-deltas`.

What it has sent it does not send again while it lives. After a restart it sends everything once more: ids repeat, and
nothing counts twice. What fails (a folder out of reach, a broker away, a damaged file) is told in the log and tried
again the next time; it keeps nothing else from being imported.
"""

from __future__ import annotations

import asyncio
import gc
import logging
from typing import TYPE_CHECKING, Final

from aiokafka.errors import KafkaError

from app import billing_import
from app.adapters.bill_folders import FolderError, local_copy
from app.billing_import import Summary
from app.billing_plan import Plan, PlanError, make_plan

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from app.billing_import import Options, Publisher
    from app.billing_plan import Delivery

logger = logging.getLogger(__name__)

RETRY_SECONDS: Final = 300.0


class Importer:
    """Imports from folders; `copies` is where object stores are copied to."""

    def __init__(
        self, folders: Sequence[str], *, copies: Path, options: Options, publisher: Publisher, topic: str
    ) -> None:
        self._folders = folders
        self._copies = copies
        self._options = options
        self._publisher = publisher
        self._topic = topic
        self._sent: set[tuple[str, str]] = set()

    async def run(self, every: float) -> None:
        """Look again every so many seconds, and sooner after a failure."""
        while True:
            is_done = await self.import_all()
            await asyncio.sleep(every if is_done else min(every, RETRY_SECONDS))

    async def import_all(self) -> bool:
        """Look into every folder once; tell whether all of them could be read, and all that is new was sent."""
        results = [await self._import_folder(folder) for folder in self._folders]
        gc.collect()
        return all(results)

    async def _import_folder(self, folder: str) -> bool:
        try:
            plan = await asyncio.to_thread(self._look, folder)
        except (FolderError, PlanError, OSError) as error:
            logger.warning("bills: %s", error)
            return False
        results = [await self._import(delivery) for delivery in plan.deliveries if _key(delivery) not in self._sent]
        return all(results)

    def _look(self, folder: str) -> Plan:
        directory = local_copy(folder, self._copies)
        has_files = any(each.is_file() for each in directory.rglob("[!.]*"))
        return make_plan([str(directory)]) if has_files else Plan(())

    async def _import(self, delivery: Delivery) -> bool:
        refused = await asyncio.to_thread(billing_import.check, delivery, self._options)
        summary = Summary(self._options.currency, refused=refused)
        if not refused:
            try:
                await billing_import.publish(delivery, self._options, summary, self._publisher, self._topic)
            except (KafkaError, OSError) as error:
                logger.warning("bills: %s: %s; it is imported again", delivery.name, error)
                return False
        self._tell(delivery, summary)
        return True

    def _tell(self, delivery: Delivery, summary: Summary) -> None:
        self._sent.add(_key(delivery))
        for each in summary.refused:
            logger.warning("bills: %s is refused: %s", each.file.name, each.reason)
        if not summary.refused:
            rows = sum(edition.rows for edition in summary.editions)
            logger.info("bills: %s: %d rows sent, %d rejected", delivery.name, rows, summary.rejected_rows)


def _key(delivery: Delivery) -> tuple[str, str]:
    return delivery.part, delivery.assembly
