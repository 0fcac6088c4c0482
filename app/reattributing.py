"""Applying the rules of `[[reattribution]]`: reads what bills say, sends corrections to `billing-deltas`.

What stands is compared with what the rules want, so it may be done as often as one likes, and by several at once: what
is told already is not told again. A bill that is restated, a rule that is changed or taken away: the next time, the
corrections are other ones.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from app.adapters.redis_view import RedisError
from app.api.bill_lines import told_texts
from domain.billing.datasets import is_bill
from domain.billing.known import Known, KnownEdition, decode_edition, decode_lines
from domain.billing.records import closing_record, row_record
from domain.money import EXACT, ZERO
from domain.reattribution.correcting import Told, corrections, news
from domain.sources import BASES
from domain.windows import DAY, floor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from decimal import Decimal

    from app.api.ports import View
    from app.billing_import import Publisher
    from domain.billing.details import DetailKey
    from domain.billing.editions import Edition
    from domain.billing.row import BillingRow
    from domain.reattribution.correcting import Correction
    from domain.reattribution.rules import Rule

logger = logging.getLogger(__name__)

# Bills and their details are kept for so long.
RETENTION_DAYS: Final = 800
_DAYS_AT_ONCE: Final = 31
_AHEAD: Final = 31
_ROWS_AT_ONCE: Final = 5_000


class Reattribution:
    """Applies rules to what the view shows of bills."""

    def __init__(self, view: View, rules: Sequence[Rule], currency: str, clock: Callable[[], float]) -> None:
        self._view = view
        self._rules = rules
        self._currency = currency
        self._clock = clock

    async def find(self) -> list[Correction]:
        """Return the corrections that are to be told."""
        editions = {name: decode_edition(text) for name, text in (await self._view.documents("bills")).items()}
        bills = Known({name: each for name, each in editions.items() if is_bill(each.edition.statement)})
        wanted = await self._wanted(bills) if self._rules else {}
        return list(news(wanted, _standing(editions), int(self._clock())))

    async def apply(self, publisher: Publisher, topic: str) -> list[Correction]:
        """Send the corrections that are to be told, and return them."""
        found = await self.find()
        for correction in found:
            records = [row_record(row, ordinal) for ordinal, row in enumerate(correction.rows)]
            for at in range(0, len(records), _ROWS_AT_ONCE):
                await publisher.send_many(topic, records[at : at + _ROWS_AT_ONCE])
            await publisher.send_many(topic, [closing_record(correction.edition)])
        return found

    async def keep(self, publisher: Publisher, topic: str, every: float) -> None:
        """Apply the rules whenever the bills that count have changed, until cancelled."""
        seen: object = None
        while True:
            try:
                documents = await self._view.documents("bills")
                if documents != seen:
                    told = await self.apply(publisher, topic)
                    # What was told shows, too: nothing is left to tell once the bills are as they were seen.
                    seen = None if told else documents
                    for each in told:
                        logger.info("re-attributed: %s, %d rows", each.edition.statement, each.edition.rows)
            except (RedisError, OSError) as error:
                logger.warning("re-attribution: %s; it is tried again", error)
            await asyncio.sleep(every)

    async def _wanted(self, bills: Known) -> dict[str, list[BillingRow]]:
        found: dict[str, list[BillingRow]] = {}
        last = floor(int(self._clock()), DAY) + _AHEAD * DAY
        days = range(last - (RETENTION_DAYS + _AHEAD) * DAY, last + DAY, DAY)
        for at in range(0, len(days), _DAYS_AT_ONCE):
            some = days[at : at + _DAYS_AT_ONCE]
            for documents in await self._view.documents_of([f"bill:{day}" for day in some]):
                if documents:
                    told = _told(documents, bills)
                    for statement, rows in corrections(told, self._rules, self._currency).items():
                        found.setdefault(statement, []).extend(rows)
                await asyncio.sleep(0)
        return found


def _standing(editions: Mapping[str, KnownEdition]) -> dict[str, Edition]:
    known = Known({name: each for name, each in editions.items() if not is_bill(each.edition.statement)})
    return {editions[name].edition.statement: editions[name].edition for name in known.statements}


def _told(documents: Mapping[str, bytes], bills: Known) -> Iterable[Told]:
    """Sum up what the documents of a day say of each charge, each basis by those that tell it."""
    sums: dict[DetailKey, list[Decimal | None]] = {}
    quantities: dict[DetailKey, Decimal | None] = {}
    for place, basis in enumerate(BASES):
        for text in told_texts(dict(documents), bills, basis):
            for key, row in decode_lines(text):
                amounts = sums.setdefault(key, [None] * len(BASES))
                if (amount := row.amounts[place]) is not None:
                    amounts[place] = EXACT.add(amounts[place] or ZERO, amount)
                if place == 0:
                    before = quantities.get(key, ZERO)
                    both = before is None or row.quantity is None
                    quantities[key] = None if both else EXACT.add(before or ZERO, row.quantity or ZERO)
    return [Told(key, quantities.get(key), tuple(sums[key])) for key in sorted(sums)]
