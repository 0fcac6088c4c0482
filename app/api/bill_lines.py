"""Answers from the details of bills: by account, service, SKU, region and unit, and as bills were known earlier.

Details are kept by day, so the time asked about is widened to UTC days. What was metered comes from the cost tables, as
it is now, whatever `as_of` says.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from xxhash import xxh3_128_digest

from app.api.reading import lines
from app.api.shelf import Shelf, shape_of, weight_of
from domain import queries
from domain.billing.known import Known, decode_edition, decode_lines
from domain.cells import CostRow, Detail
from domain.money import ZERO
from domain.queries import BEST, CostQuery, Fold, Span
from domain.rejection import Rejected
from domain.sources import BASES, METERED, billed, parse
from domain.windows import DAY, Granularity, Window, floor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from app.api.ports import View
    from domain.billing.details import DetailKey, DetailRow

FULL: Final = "full"
_DAYS_AT_ONCE: Final = 31


async def read_detailed_costs(view: View, asked: CostQuery, kept: Shelf) -> tuple[CostQuery, queries.Costs] | Rejected:
    """Answer a query; it is returned with the span, and until when bills were complete, that the answer is about.

    The sums of a day are `kept`, and serve for as long as what bills say of it is the same.
    """
    if asked.granularity not in (None, Granularity.DAY):
        return Rejected("granularity: details of bills, and what was known of them earlier, are kept by day")
    known = await read_known(view, asked.as_of)
    query = by_days(asked)._replace(billed_until=known.billed_until())
    planned = queries.plan(query)
    if isinstance(planned, Rejected):
        return planned
    fold = Fold(query, FULL)
    async for day, texts in _told_days(view, known, query):
        sums = await _summed(day, texts, query, kept)
        rejected = sums if isinstance(sums, Rejected) else fold.merge(sums)
        if rejected is not None:
            return rejected
    if query.source == BEST:
        metered = Fold(query, planned.projection)
        async for rows in lines(view, planned):
            metered.add(row for row in rows if parse(row.source).kind == METERED)
        rejected = fold.merge(metered)
        if rejected is not None:
            return rejected
    return query, fold.result()


async def read_known(view: View, as_of: int | None = None) -> Known:
    """Return the editions of bills that count, or counted then."""
    editions = await view.documents("bills")
    return Known({name: decode_edition(text) for name, text in editions.items()}, as_of)


def by_days(query: CostQuery) -> CostQuery:
    """Widen a query to whole UTC days."""
    return query._replace(span=Span(floor(query.span.start, DAY), floor(query.span.end - 1, DAY) + DAY))


async def bill_lines(view: View, known: Known, query: CostQuery) -> AsyncIterator[list[CostRow]]:
    """Iterate over what bills say on the query's basis, whatever its filters: lines of full scopes by day."""
    async for day, texts in _told_days(view, known, query):
        for text in texts:
            yield _rows_of(day, text, query)
            await asyncio.sleep(0)


async def _told_days(view: View, known: Known, query: CostQuery) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Iterate over the days asked about, with the documents that count."""
    days = range(query.span.start, query.span.end, DAY)
    for at in range(0, len(days), _DAYS_AT_ONCE):
        some = days[at : at + _DAYS_AT_ONCE]
        for day, documents in zip(some, await view.documents_of([f"bill:{day}" for day in some]), strict=True):
            yield day, told_texts(documents, known, query.basis)


async def _summed(day: int, texts: list[bytes], query: CostQuery, kept: Shelf) -> Fold | Rejected:
    shape, mark = (day, *shape_of(query)), tuple(map(xxh3_128_digest, texts))
    known = kept.find(shape, mark)
    if known is not None:
        return known
    fold = Fold(query, FULL)
    for text in texts:
        rejected = fold.add(_rows_of(day, text, query))
        if rejected is not None:
            return rejected
        await asyncio.sleep(0)
    kept.keep(shape, mark, fold, weight_of(query) + len(fold))
    return fold


def _rows_of(day: int, text: bytes, query: CostQuery) -> list[CostRow]:
    window = Window(Granularity.DAY, day)
    return [row for line in decode_lines(text) for row in _rows(window, *line, query)]


def told_texts(documents: dict[str, bytes], known: Known, basis: str) -> list[bytes]:
    """Return the documents with lines that count: those of editions, and of rows that had come by themselves."""
    texts = []
    for name in known.told(documents.keys(), basis):
        prefix, _, _ = name.rpartition(":")
        text = documents.get(f"{prefix}:={documents[name].decode()}")
        texts += [] if text is None else [text]
    for name, text in documents.items():
        came = name.rpartition(":")[2]
        if came.startswith("@") and known.has_come(int(came[1:])):
            texts.append(text)
    return texts


def _rows(window: Window, key: DetailKey, row: DetailRow, query: CostQuery) -> list[CostRow]:
    amount = row.amounts[BASES.index(query.basis)]
    if amount is None:
        return []
    detail = Detail(
        key.account,
        key.billing_account,
        key.service_name,
        key.sku,
        key.region,
        None if row.quantity is None else key.unit,
    )
    scope = (key.tenant, key.environment, key.feature, key.service, key.team)
    source = billed(key.provider, query.basis, key.category)
    units = ZERO if row.quantity is None else row.quantity
    return [CostRow(window, scope, key.resource_type, source, "", amount, units, row.rows, 0, detail)]
