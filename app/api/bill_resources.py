"""The dearest resources of bills: parts of what bills say of a day, which count by the same rule."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from agents.billing_shown import bill_of, resources_of
from domain.billing.resources import decode_resources
from domain.cells import CostRow, Detail
from domain.money import ZERO
from domain.remediation import Guess
from domain.sources import BASES, billed
from domain.windows import DAY, Granularity, Window

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from app.api.ports import View
    from domain.billing.known import Known
    from domain.billing.resources import ResourceLine
    from domain.queries import CostQuery

    # A line of a full scope, the resource that it is of, and whose that may be.
    Named = tuple[CostRow, str, Guess | None]

_DAYS_AT_ONCE: Final = 31


async def bill_resources(view: View, known: Known, query: CostQuery, guessed: str | None) -> AsyncIterator[list[Named]]:
    """Iterate over what bills say of resources on the query's basis, whatever its filters, by day.

    `guessed` is the dimension whose owners are guessed; None: no guesses.
    """
    days = range(query.span.start, query.span.end, DAY)
    for at in range(0, len(days), _DAYS_AT_ONCE):
        some = days[at : at + _DAYS_AT_ONCE]
        # Which editions count on a day is told by what they say of it, whether they name resources there or not.
        kinds = [*map(bill_of, some), *map(resources_of, some)]
        found = await view.documents_of(kinds)
        for day, bills, resources in zip(some, found, found[len(some) :], strict=False):
            for name in known.told(bills.keys(), query.basis):
                if name in resources:
                    lines = decode_resources(resources[name])
                    yield [
                        each for line in lines for each in _named(Window(Granularity.DAY, day), line, query, guessed)
                    ]
                    await asyncio.sleep(0)


def _named(window: Window, line: ResourceLine, query: CostQuery, guessed: str | None) -> list[Named]:
    amount = line.amounts[BASES.index(query.basis)]
    if amount is None:
        return []
    scope = (line.tenant, line.environment, line.feature, line.service, line.team)
    source = billed(line.provider, query.basis, line.category)
    detail = Detail(line.account, "", "", "", "", None)
    row = CostRow(window, scope, line.resource_type, source, "", amount, ZERO, line.rows, 0, detail)
    guess = next((each for each in line.guesses if each.dimension == guessed), None)
    return [(row, line.resource, None if guess is None else Guess(*guess[1:]))]
