"""Which editions of a bill count: the decision that makes a restated bill count once.

An `Edition` is closed by an event of its own once all its rows are sent. Of each part of each statement the newest
closed edition counts; a whole edition (from a manifest: `part` is empty) counts instead of every part that is not
newer. Two parts with the same content are one file under two names, and count once. The answer depends on the set of
editions only, not on the order in which they came: importing a restatement first, or twice, changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

EDITION_CLOSED: Final = "costguard.billing.edition"
# What a date of a calendar can be, but for its last day: coverage ends a day later than `latest` at most.
_Instant = Annotated[int, msgspec.Meta(ge=-62_135_596_800, le=253_402_214_400)]
# Kinds of fees; the months of a purchase.
_Names = Annotated[tuple[Annotated[str, msgspec.Meta(max_length=1_024)], ...], msgspec.Meta(max_length=1_000)]
_Count = Annotated[int, msgspec.Meta(ge=0, lt=1 << 53)]


class Edition(msgspec.Struct, frozen=True):
    """One edition of one part of a statement.

    `written` is when the export was written (epoch seconds), `final` whether each row carries an invoice id, `latest`
    the last second that is charged, `rows` how many there are. `content` is a digest of all rows of the file, whatever
    their order and statement, `rejected` how many lines of it were refused. `billed_until` is `latest` without the
    terms of purchases (0 where nobody said): what was bought for three years makes no year complete. `amortises` are
    the data sets of purchases that give way to it, `spreads` the statements that have parts of what it buys.
    """

    statement: str
    part: str
    assembly: str
    written: _Instant
    final: bool
    latest: _Instant
    rows: _Count
    rejected: _Count
    content: str
    billed_until: _Instant = 0
    amortises: _Names = ()
    spreads: _Names = ()

    @property
    def key(self) -> tuple[str, str, str]:
        """What the rows of this edition carry: statement, part and assembly."""
        return self.statement, self.part, self.assembly

    @property
    def written_at(self) -> datetime:
        """When the export was written."""
        return datetime.fromtimestamp(self.written, UTC)

    @property
    def age(self) -> tuple[bool, int, int, int, str]:
        """Orders editions of a part: final after open, then by time written, by usage covered; ties by name."""
        return self.final, self.written, self.latest, self.rows, self.assembly


def standing(editions: Iterable[Edition]) -> set[tuple[str, str, str]]:
    """Return the keys of the editions that count, of any number of statements."""
    statements: defaultdict[str, list[Edition]] = defaultdict(list)
    for edition in editions:
        statements[edition.statement].append(edition)
    return {edition.key for members in statements.values() for edition in _standing(members)}


def _standing(editions: Iterable[Edition]) -> list[Edition]:
    newest: dict[str, Edition] = {}
    for edition in sorted(editions, key=lambda edition: edition.age):
        newest[edition.part] = edition
    whole = newest.pop("", None)
    parts = [edition for edition in newest.values() if whole is None or edition.age > whole.age]
    by_content = {edition.content: edition for edition in sorted(parts, key=lambda edition: edition.part, reverse=True)}
    if whole is None:
        return list(by_content.values())
    return [whole, *(edition for content, edition in by_content.items() if content != whole.content)]


def merged(editions: Iterable[Edition]) -> list[Edition]:
    """Return one edition for each key: what the files of one assembly come to together."""
    found: dict[tuple[str, str, str], Edition] = {}
    for each in editions:
        other = found.get(each.key)
        found[each.key] = each if other is None else _sum(other, each)
    return list(found.values())


def _sum(left: Edition, right: Edition) -> Edition:
    content = (int(left.content, 16) + int(right.content, 16)) % (1 << 128)
    return msgspec.structs.replace(
        left,
        written=max(left.written, right.written),
        final=left.final and right.final,
        latest=max(left.latest, right.latest),
        billed_until=max(left.billed_until, right.billed_until),
        rows=left.rows + right.rows,
        rejected=left.rejected + right.rejected,
        content=f"{content:032x}",
        amortises=tuple(sorted({*left.amortises, *right.amortises})),
    )
