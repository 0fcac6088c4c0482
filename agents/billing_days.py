"""The days of bills as detection gets them: of each statement that a batch closed, as the editions that count tell it.

Cost is effective where the bill tells it, else what was billed. Rows that stand for themselves are never complete, and
nothing is told of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.anomaly.bills import CATEGORIES, BillLine, bill_mark, day_parts
from domain.billing.books import LOOSE
from domain.billing.coverage import coverage
from domain.billing.datasets import dependents, sibling, tells
from domain.money import ZERO, add

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domain.billing.books import Folded, StatementRow
    from domain.billing.details import DetailKey, DetailRow
    from tables.bills import Bills

EFFECTIVE = "effective"


def closed_days(bills: Bills, folded: Folded) -> Iterator[bytes]:
    """Yield the messages of the statements that were closed, and of those that tell the same charges."""
    others = {other for name in folded.closed for other in dependents(name)}
    for name in sorted((folded.closed | others) - {LOOSE}):
        statement = bills.statement(name)
        if statement is not None and statement.standing():
            yield from _days(bills, name, statement)


def _days(bills: Bills, name: str, statement: StatementRow) -> Iterator[bytes]:
    by_day: dict[int, dict[tuple[str, ...], BillLine]] = {}
    standing = set(statement.standing())
    for place in range(len(statement.editions)):
        for where, row in bills.details(statement.number, place):
            lines = by_day.setdefault(where.key.day, {})
            if place in standing and where.key.category in CATEGORIES:
                _add(lines, where.key, row)
    elsewhere = _told_elsewhere(bills, name)
    for provider, accounts in coverage([(name, statement.counting())]).items():
        for account, until in accounts.items():
            for day, lines in sorted(by_day.items()):
                kept = [] if day in elsewhere else list(lines.values())
                yield from day_parts(provider, account, name, day, kept)
            yield bill_mark(provider, account, name, until)


def _told_elsewhere(bills: Bills, name: str) -> set[int]:
    """Return the days whose effective cost is another statement's."""
    other = sibling(name)
    statement = None if other is None else bills.statement(other)
    if statement is None or tells(name, EFFECTIVE):
        return set()
    return {where.key.day for place in statement.rivals_of(name) for where, _ in bills.details(statement.number, place)}


def _add(lines: dict[tuple[str, ...], BillLine], key: DetailKey, row: DetailRow) -> None:
    billed, effective = row.amounts[:2]
    amount = (billed if effective is None else effective) or ZERO
    original, currency = (amount, "") if row.original is None else (row.original, row.currency)
    place = (*key[1:7], key.account, key.service_name, key.sku, key.region, key.unit, currency)
    known = lines.get(place)
    quantity = row.quantity
    if known is not None:
        quantity = None if known.quantity is None or quantity is None else add(known.quantity, quantity)
        amount, original = add(known.amount, amount), add(known.original, original)
    rows = row.rows + (known.rows if known else 0)
    lines[place] = BillLine(
        key[1:6], key.resource_type, key.account, key.service_name, key.sku, key.region, key.unit,
        rows, quantity, amount, original, currency,
    )  # fmt: skip
