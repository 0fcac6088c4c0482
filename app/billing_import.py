"""Importing bills: every file is checked by its header before one of its rows is used, then read as a stream.

`read` turns a delivery into rows, rejections and editions; `publish` sends them to `billing-deltas`. Rows are keyed by
their statement, so that one partition has all of a bill in order. After the rows of an edition comes what its dearest
resources come to, then the event that closes it. All ids repeat when an import does.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from app.adapters.billing_files import BillFile, UnreadableBillError
from domain.billing.block import Block, Readers
from domain.billing.catalogue import detect
from domain.billing.editions import Edition, merged, standing
from domain.billing.formats import Context, Unrecognised
from domain.billing.header import canonical
from domain.billing.occurrences import Occurrences
from domain.billing.reading import Reading, Source
from domain.billing.records import closing_record, resources_record, row_record
from domain.billing.resource_tally import ResourceTally
from domain.billing.spreading import and_withdrawals, tied
from domain.billing.tags import TagTable
from domain.billing.totals import Total, Totals
from domain.ownership import Ownership
from domain.usage import MAX_ID_CHARS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from app.adapters.billing_files import Batch
    from app.billing_plan import Delivery
    from domain.billing.formats import Format
    from domain.billing.records import Record
    from domain.billing.row import BillingRow, RejectedRow

MAX_LISTED: Final = 1000


class Refused(NamedTuple):
    """A file that is not read at all, and why."""

    file: Path
    reason: str


class DamagedError(Exception):
    """A file of a delivery cannot be read to its end: nothing of the delivery counts."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.reason)
        self.refused = refused


class Piece(NamedTuple):
    """Some rows of a file, and how many bytes of it have been read by now."""

    file: Path
    rows: Sequence[BillingRow]
    rejected: Sequence[RejectedRow]
    consumed: int


class Publisher(Protocol):
    """What takes the records; see `app.adapters.kafka`."""

    async def send_many(
        self, topic: str, records: Sequence[tuple[bytes | None, bytes | None, int | None]]
    ) -> list[tuple[int, int]]:
        """Send `(key, value, partition or None)` records, and return when they are acknowledged."""


@dataclass
class Summary:
    """What an import did; `rejected` and `noted` list the first thousand. `currency` is that of files that name none.

    A noted row counts, without a cell that could not be read, or whose effective cost nobody tells.
    """

    currency: str = "USD"
    totals: Totals = field(default_factory=Totals)
    files: list[tuple[Path, str]] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    rejected: list[tuple[Path, RejectedRow]] = field(default_factory=list)
    rejected_rows: int = 0
    noted: list[tuple[Path, RejectedRow]] = field(default_factory=list)
    noted_rows: int = 0
    editions: list[Edition] = field(default_factory=list)
    assumed_currency: list[Path] = field(default_factory=list)

    def counting(self) -> dict[tuple[str, str, str], Edition]:
        """Return the editions of this import that count, by their keys."""
        counting = standing(and_withdrawals(self.editions))
        return {edition.key: edition for edition in self.editions if edition.key in counting}

    @property
    def replaced(self) -> list[Edition]:
        """Editions that a newer one of this import supersedes."""
        counting = self.counting()
        return [edition for edition in self.editions if edition.key not in counting]

    def by(self, *names: str) -> dict[tuple[str, ...], Total]:
        """Return what the editions that count come to, by currency and these of `domain.billing.totals.BY`."""
        return self.totals.by(*names, editions=self.counting())


@dataclass(frozen=True)
class Options:
    """The currency of files that name none, the tag table, a format to insist on (`auto`: any), and owners."""

    currency: str = "USD"
    table: TagTable = field(default_factory=TagTable)
    format: str = "auto"
    team_of: Callable[[str], str | None] = Ownership().team_of


def check(delivery: Delivery, options: Options) -> list[Refused]:
    """Look at the header of each file; an empty list means that all can be read."""
    refused = []
    for file in delivery.files:
        try:
            with BillFile(file) as bill:
                found = _format_of(bill, options)
        except UnreadableBillError as error:
            refused.append(Refused(file, str(error)))
        else:
            if isinstance(found, str):
                refused.append(Refused(file, found))
    return refused


def read(delivery: Delivery, options: Options, summary: Summary) -> Iterator[Piece]:
    """Yield the rows of a delivery, and add to the summary: also its editions, once all is read.

    A file that `check` would refuse raises `DamagedError`, and so does one that turns out to be damaged.
    """
    occurrences = Occurrences()
    editions: list[Edition] = []
    for file in delivery.files:
        try:
            with BillFile(file) as bill:
                found = _readable(bill, options)
                if found.dataset_of is not None and not delivery.dataset:
                    delivery = delivery._replace(dataset=_dataset_of(delivery, options) or found.dataset)
                yield from _read_file(file, bill, found, delivery, options, occurrences, summary, editions)
        except UnreadableBillError as error:
            raise DamagedError(Refused(file, str(error))) from error
    summary.editions.extend(tied(merged(editions)))


def _dataset_of(delivery: Delivery, options: Options) -> str:
    """Return which data set the files of a delivery are together, of a format that has several; else an empty text.

    One record may decide, so all of them are looked at until one does: an export that begins with what nobody reserved
    would count beside its twin rather than instead of it.
    """
    for file in delivery.files:
        with suppress(UnreadableBillError), BillFile(file) as bill:
            form, header = _readable(bill, options), bill.table.header
            if form.dataset_of is None:
                continue
            names = [name for name in form.dataset_columns if name in header]
            positions = [header.positions[canonical(name)] for name in names]
            readers = Readers(options.table, decimal_comma=bill.table.decimal_comma)
            for batch in bill.batches(positions, []):
                if found := form.dataset_of(Block(names, batch.columns, batch.length, readers)):
                    return found
    return ""


def _read_file(
    file: Path,
    bill: BillFile,
    form: Format,
    delivery: Delivery,
    options: Options,
    occurrences: Occurrences,
    summary: Summary,
    editions: list[Edition],
) -> Iterator[Piece]:
    header = bill.table.header
    needed = [header.positions[canonical(str(header.first_of(group)))] for group in form.needs]
    summary.files.append((file, f"{form.name} {form.label(header)}".strip()))
    source = Source(delivery.part, delivery.assembly, delivery.written)
    context = Context(options.currency, delivery.dataset or form.dataset, bill.table.decimal_comma)
    reading = Reading(form, header, context, source, options.table, occurrences)
    for batch in bill.batches(form.columns(header), needed):
        yield _piece(file, bill, reading, batch, summary)
    if reading.assumed_currency:
        summary.assumed_currency.append(file)
    editions.extend(reading.editions())


def _piece(file: Path, bill: BillFile, reading: Reading, batch: Batch, summary: Summary) -> Piece:
    rows, rejected = reading.rows(reading.block(batch.columns, batch.length), batch.line_of)
    if any(len(row.statement) > MAX_ID_CHARS for row in rows):
        raise UnreadableBillError(f"provider, account and period together are over {MAX_ID_CHARS} characters")
    rejected = sorted([*rejected, *batch.rejected], key=lambda each: each.line)
    reading.count_rejected(len(batch.rejected))
    summary.totals.add(rows)
    summary.rejected_rows += len(rejected)
    summary.rejected.extend((file, each) for each in rejected[: MAX_LISTED - len(summary.rejected)])
    summary.noted_rows += len(reading.noted)
    summary.noted.extend((file, each) for each in reading.noted[: MAX_LISTED - len(summary.noted)])
    return Piece(file, rows, rejected, bill.consumed)


def _readable(bill: BillFile, options: Options) -> Format:
    found = _format_of(bill, options)
    if isinstance(found, str):
        raise UnreadableBillError(found)
    return found


def _format_of(bill: BillFile, options: Options) -> Format | str:
    found = detect(bill.table.header)
    if isinstance(found, Unrecognised):
        return str(found)
    if options.format not in ("auto", found.name):
        return f"it is {found.name} by its header, not {options.format}"
    return found


def read_only(
    delivery: Delivery, options: Options, summary: Summary, on_piece: Callable[[Piece], None] = lambda _piece: None
) -> None:
    """Read a delivery and sum it up; one that turns out to be damaged is refused, and does not count."""
    try:
        for piece in read(delivery, options, summary):
            on_piece(piece)
    except DamagedError as error:
        summary.refused.append(error.refused)


async def publish(
    delivery: Delivery,
    options: Options,
    summary: Summary,
    publisher: Publisher,
    topic: str,
    on_piece: Callable[[Piece], None] = lambda _piece: None,
) -> None:
    """Read a delivery and send its rows, then the events that close its editions.

    Reading goes on in a thread while the piece before is sent. Without a closing event, rows do not count: those of a
    file that turns out to be damaged never get one, and the file is refused.
    """
    known = len(summary.editions)
    tally = ResourceTally(options.team_of)
    try:
        await _publish_rows(delivery, options, summary, publisher, topic, on_piece, tally)
    except DamagedError as error:
        summary.refused.append(error.refused)
    else:
        closed = {edition.key: edition for edition in summary.editions[known:]}
        told = await asyncio.to_thread(list, tally.told())
        await publisher.send_many(topic, [resources_record(each, closed[each.key]) for each in told])
        await publisher.send_many(topic, [closing_record(edition) for edition in closed.values()])


async def _publish_rows(
    delivery: Delivery,
    options: Options,
    summary: Summary,
    publisher: Publisher,
    topic: str,
    on_piece: Callable[[Piece], None],
    tally: ResourceTally,
) -> None:
    pieces = read(delivery, options, summary)
    ordinals: defaultdict[tuple[str, str], Iterator[int]] = defaultdict(count)
    coming = asyncio.ensure_future(asyncio.to_thread(_next_records, pieces, ordinals, tally))
    while (found := await coming) is not None:
        piece, records = found
        coming = asyncio.ensure_future(asyncio.to_thread(_next_records, pieces, ordinals, tally))
        await publisher.send_many(topic, records)
        on_piece(piece)


def _next_records(
    pieces: Iterator[Piece], ordinals: Mapping[tuple[str, str], Iterator[int]], tally: ResourceTally
) -> tuple[Piece, list[Record]] | None:
    piece = next(pieces, None)
    if piece is None:
        return None
    tally.add(piece.rows)
    return piece, [row_record(row, next(ordinals[row.statement, row.part])) for row in piece.rows]
