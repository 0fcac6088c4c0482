"""What the view holds of bills beyond cost: editions, and what each says of a day.

| document | name | holds |
|---|---|---|
| `bills` | `<partition>:<statement>:<edition>` | the edition, and when it came |
| `bill:<day>` | the same | the digest of what it says of the day |
| `bill:<day>` | `<partition>:<statement>:=<digest>` | the lines: once, however many editions say the same |
| `bill:<day>` | `<partition>:<statement>:@<ms>` | lines of rows that stand for themselves, which came then |
| `bill-resources:<day>` | `<partition>:<statement>:<edition>` | the dearest resources, of editions that count now |
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

from xxhash import xxh3_128_hexdigest

from domain.billing.books import LOOSE
from domain.billing.known import KnownEdition, encode_edition, encode_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from domain.billing.books import Folded, StatementRow
    from domain.billing.details import DetailPlace, DetailRow
    from tables.bills import Bills

EDITIONS: Final = "bills"
Document = tuple[str, str, bytes | None]


def bill_of(day: int) -> str:
    """Return the kind of the documents about a day (epoch seconds)."""
    return f"bill:{day}"


def resources_of(day: int) -> str:
    """Return the kind of the documents about the dearest resources of a day (epoch seconds)."""
    return f"bill-resources:{day}"


def loose_name(partition: int, place: DetailPlace) -> str:
    """Return the name of the document with rows that came at one instant."""
    return f"{partition}:{place.statement}:@{place.recorded}"


def news(partition: int, bills: Bills, folded: Folded, published: int) -> Iterator[Document]:
    """Yield documents of the editions that were closed after offset `published`, and of single rows that came."""
    for name in sorted(folded.closed):
        statement = bills.statement(name)
        if statement is not None:
            yield from _resources(partition, bills, statement, published)
            for place, each in enumerate(statement.editions):
                if each.closed is not None and each.closed_at > published:
                    yield from _edition(partition, bills, statement, place)
    loose = bills.statement(LOOSE)
    if loose is not None:
        touched = {(place.recorded, place.key.day) for place in folded.details if place.statement == loose.number}
        for recorded, day in sorted(touched):
            yield from _loose(partition, bills.details_that_came(loose.number, recorded, day))


def everything(partition: int, bills: Bills) -> Iterator[Document]:
    """Yield all documents of a partition."""
    for name, statement in bills.all_statements():
        if name == LOOSE:
            yield from _loose(partition, bills.details(statement.number))
        else:
            yield from _resources(partition, bills, statement, None)
            for place, each in enumerate(statement.editions):
                if each.closed is not None:
                    yield from _edition(partition, bills, statement, place)


def forgotten(partition: int, bills: Bills, statement: StatementRow) -> Iterator[tuple[str, str]]:
    """Yield kind and name of all documents of a statement."""
    for place, each in enumerate(statement.editions):
        if each.closed is not None:
            yield from ((kind, name) for kind, name, _ in _edition(partition, bills, statement, place))
            for day, _ in bills.resources(statement.number, place):
                yield resources_of(day), f"{partition}:{statement.number}:{place}"


def _resources(partition: int, bills: Bills, statement: StatementRow, published: int | None) -> Iterator[Document]:
    """Yield resources of the editions that count, and did not by offset `published`; take back those of others."""
    before = set() if published is None else set(statement.standing(published))
    after = set(statement.standing())
    for place in sorted(before ^ after):
        for day, lines in bills.resources(statement.number, place):
            yield resources_of(day), f"{partition}:{statement.number}:{place}", lines if place in after else None


def _edition(partition: int, bills: Bills, statement: StatementRow, place: int) -> Iterator[Document]:
    closed = statement.editions[place]
    if closed.closed is None:
        return
    prefix = f"{partition}:{statement.number}:"
    for day, lines in groupby(bills.details(statement.number, place), key=lambda each: each[0].key.day):
        body = encode_lines((where.key, row) for where, row in lines)
        digest = xxh3_128_hexdigest(body)
        yield bill_of(day), f"{prefix}={digest}", body
        yield bill_of(day), f"{prefix}{place}", digest.encode()
    # Last: who finds the edition finds what it says.
    yield EDITIONS, f"{prefix}{place}", encode_edition(KnownEdition(closed.closed, closed.recorded))


def _loose(partition: int, details: Iterable[tuple[DetailPlace, DetailRow]]) -> Iterator[Document]:
    for (_, day), lines in groupby(details, key=lambda each: (each[0].recorded, each[0].key.day)):
        kept = list(lines)
        yield bill_of(day), loose_name(partition, kept[0][0]), encode_lines((place.key, row) for place, row in kept)
