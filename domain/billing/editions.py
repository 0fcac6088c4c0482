"""Which editions of a bill count: the decision that makes a restated bill count once.

An `Edition` is closed by an event of its own once all its rows are sent. Of each part of each statement the newest
closed edition counts; a whole edition (from a manifest: `part` is empty) counts instead of every part that is not
newer. Two parts with the same content are one file under two names, and count once. The answer depends on the set of
editions only, not on the order in which they came: importing a restatement first, or twice, changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

EDITION_CLOSED: Final = "costguard.billing.edition"


class Edition(msgspec.Struct, frozen=True):
    """One edition of one part of a statement.

    `written` is when the export was written (epoch seconds), `final` whether each row carries an invoice id, `latest`
    the last second that is charged, `content` a digest of the rows that does not depend on their order, `rows` and
    `rejected` how many there are.
    """

    statement: str
    part: str
    assembly: str
    written: int
    final: bool
    latest: int
    rows: int
    rejected: int
    content: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What the rows of this edition carry: statement, part and assembly."""
        return self.statement, self.part, self.assembly

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
