"""Reading lines of cost with shared cost split by the rules of the configuration.

What drives the rules is read by whole days, however short the time asked about: the parts of an hour have the shares
of its day, so hours sum to days.
"""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import TYPE_CHECKING, Final

from app.api.reading import kept, lines
from domain import queries
from domain.allocation import Allocator, Usage, charge_of, need_users, usage_of, users_seen
from domain.money import EXACT, ZERO
from domain.queries import CostQuery, Plan, Span
from domain.queries.folding import MAX_LINES, Fold, selection
from domain.rejection import Rejected
from domain.scope import DIMENSIONS
from domain.users import users_of
from domain.windows import DAY, floor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from decimal import Decimal

    from app.api.ports import View
    from domain.allocation import Charge, Rule, UsageLine
    from domain.cells import CostRow

# Others are answered between them; a line of shared cost may become thousands.
_LINES_AT_ONCE: Final = 5_000


async def read_allocated_costs(
    view: View, rules: Sequence[Rule], asked: CostQuery, now: float
) -> tuple[CostQuery, queries.Costs] | Rejected:
    """Answer a query; it is returned with the span that the answer is about."""
    found = await planned(view, asked, now)
    if isinstance(found, Rejected):
        return found
    query, plan = found
    fold = Fold(query, plan.projection)
    async for rows in allocated_lines(view, rules, query, plan):
        rejected = rows if isinstance(rows, Rejected) else fold.add(rows)
        if rejected is not None:
            return rejected
    return query, fold.result()


async def planned(view: View, asked: CostQuery, now: float) -> tuple[CostQuery, Plan] | Rejected:
    """Return the query with the span that can be answered, and what is read for it: lines of full scopes."""
    query = await kept(view, asked, now)
    if isinstance(query, Rejected):
        return query
    plan = queries.plan(query, dimensions=DIMENSIONS)
    return plan if isinstance(plan, Rejected) else (query, plan)


async def allocated_lines(
    view: View, rules: Sequence[Rule], query: CostQuery, plan: Plan
) -> AsyncIterator[list[CostRow] | Rejected]:
    """Iterate over lines of the query's source, whatever its filters: who bears a shared cost is known afterwards."""
    allocator = await make_allocator(view, rules, query.span)
    if isinstance(allocator, Rejected):
        yield allocator
        return
    selected = selection(query._replace(filters={}), plan.projection)
    async for rows in lines(view, plan):
        wanted = filter(selected, rows)
        while some := list(islice(wanted, _LINES_AT_ONCE)):
            yield [part for row in some for part in allocator.allocate_line(row)]
            await asyncio.sleep(0)


async def make_allocator(view: View, rules: Sequence[Rule], span: Span) -> Allocator | Rejected:
    """Read what drives the rules on the days of a span."""
    if not rules:
        return Allocator((), Usage())
    days = Span(floor(span.start, DAY), floor(span.end - 1, DAY) + DAY)
    plan = queries.plan(CostQuery(days, {}), dimensions=DIMENSIONS)
    if isinstance(plan, Rejected):
        return plan
    found: list[UsageLine] = []
    async for rows in lines(view, plan):
        found.extend(usage_of(rows, rules))
        if len(found) > MAX_LINES:
            return Rejected(f"window: more than {MAX_LINES:,} lines of usage drive the allocation; shorten it")
    if need_users(rules):
        found.extend(users_seen(found, await _counted_users(view, days)))
    return Allocator(rules, Usage(found))


async def _counted_users(view: View, days: Span) -> dict[int, dict[str, int]]:
    """Return how many users usage named, by day and tenant."""
    starts = range(days.start, days.end, DAY)
    found = await view.documents_of([users_of(day) for day in starts])
    return {
        day: {tenant: int(number) for tenant, number in numbers.items()}
        for day, numbers in zip(starts, found, strict=True)
    }


async def read_charges(view: View, query: CostQuery, plan: Plan) -> list[Charge]:
    """Return the cost of each day by scope, resource type and source, whatever the filters of the query."""
    selected = selection(query._replace(filters={}), plan.projection)
    sums: dict[Charge, Decimal] = {}
    async for rows in lines(view, plan):
        for row in filter(selected, rows):
            charge = charge_of(row)
            key = charge._replace(amount=ZERO)
            sums[key] = EXACT.add(sums.get(key, ZERO), charge.amount)
    return [key._replace(amount=amount) for key, amount in sorted(sums.items())]
