"""What a caller asks about cost that bills may settle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.api.completeness import read_billed_until

if TYPE_CHECKING:
    from app.api.parameters import BillingParameters
    from app.api.ports import View
    from app.api.security import Caller
    from domain.queries import CostQuery


async def question(asked: BillingParameters, caller: Caller, view: View, now: float) -> CostQuery:
    """Return the query, within what the caller may see, with how far bills are complete."""
    query = asked.query(now)
    billed_until = await read_billed_until(view)
    return query._replace(billed_until=billed_until, filters=caller.confined(query.filters))
