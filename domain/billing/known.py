"""What was known of bills at an instant: the editions that had come by then, and which of them counted."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import msgspec

from domain.billing.coverage import by_provider, coverage
from domain.billing.datasets import rivals, tells
from domain.billing.details import DetailKey, DetailRow
from domain.billing.editions import Edition, standing

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

Lines = list[tuple[DetailKey, DetailRow]]


class KnownEdition(msgspec.Struct, frozen=True):
    """An edition that is closed, since `recorded` (milliseconds since 1970)."""

    edition: Edition
    recorded: int


encode_edition = msgspec.json.Encoder().encode
decode_edition = msgspec.json.Decoder(KnownEdition).decode
decode_lines = msgspec.json.Decoder(Lines).decode


def encode_lines(lines: Iterable[tuple[DetailKey, DetailRow]]) -> bytes:
    """Write what an edition says of a day: the same bytes whenever it says the same."""
    return msgspec.json.encode([(key, msgspec.structs.replace(row, version=0)) for key, row in lines])


class Known:
    """The editions that counted at an instant, by the names under which they are shown."""

    def __init__(self, editions: Mapping[str, KnownEdition], as_of: int | None = None) -> None:
        """`as_of` is in milliseconds since 1970; None: now."""
        self._as_of = as_of
        come = {name: each for name, each in editions.items() if self.has_come(each.recorded)}
        counting = standing(each.edition for each in come.values())
        self.statements = {name: each.edition.statement for name, each in come.items() if each.edition.key in counting}
        self._rivals = {name: rivals(each.edition) for name, each in come.items() if name in self.statements}
        self._standing = [each.edition for name, each in come.items() if name in self.statements]

    def has_come(self, recorded: int) -> bool:
        """Tell whether what came at an instant had come by then."""
        return self._as_of is None or recorded <= self._as_of

    def told(self, names: Collection[str], basis: str) -> list[str]:
        """Return of the editions that tell a day those that count on a basis."""
        elsewhere = {rival for name in names for rival in self._rivals.get(name, ())}
        return [
            name
            for name in names
            if (statement := self.statements.get(name)) is not None
            and (statement not in elsewhere or tells(statement, basis))
        ]

    def billed_until(self) -> tuple[tuple[str, int], ...]:
        """Return by provider before which instant (epoch seconds) bills were complete."""
        by_statement: defaultdict[str, list[Edition]] = defaultdict(list)
        for edition in self._standing:
            by_statement[edition.statement].append(edition)
        return tuple(sorted(by_provider([coverage(by_statement.items())]).items()))
