"""Where the lines of a query go, found once per kind of line: the same kinds come in window after window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from domain.cells import CostRow
from domain.money import ZERO
from domain.queries.asking import BEST
from domain.queries.folding import group_of, selection

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from domain.cells import Kind
    from domain.queries.asking import CostQuery
    from domain.windows import Window

LEFT_OUT: Final = -1


class Slot(NamedTuple):
    """What may be summed together: lines of one group and one resource type."""

    group: tuple[str, ...]
    resource_type: str


class Slots:
    """The slots of one query over lines of one projection, by the names that a view has for kinds of lines."""

    def __init__(self, query: CostQuery, projection: str) -> None:
        self._selected = selection(query, projection)
        self._group = group_of(query, projection)
        # Which source counts depends on where bills end; nothing else that is chosen here depends on the window.
        self._borders = [at for _, at in query.billed_until] if query.source == BEST else []
        self._known: dict[tuple[bool, ...], dict[bytes, int]] = {}
        self._numbers: dict[Slot, int] = {}
        self._slots: list[Slot] = []

    def __getitem__(self, number: int) -> Slot:
        return self._slots[number]

    def places(self, window: Window, names: Sequence[bytes], kind: Callable[[bytes], Kind]) -> list[int]:
        """Return for each name the number of its slot; `LEFT_OUT` where the query does not ask for it."""
        known = self._known.setdefault(tuple(window.end <= at for at in self._borders), {})
        for name in names:
            if name not in known:
                known[name] = self._place(window, kind(name))
        return [known[name] for name in names]

    def _place(self, window: Window, kind: Kind) -> int:
        line = CostRow(window, *kind, ZERO, ZERO, 0, 0)
        if not self._selected(line):
            return LEFT_OUT
        slot = Slot(self._group(line), kind.resource_type)
        number = self._numbers.setdefault(slot, len(self._slots))
        if number == len(self._slots):
            self._slots.append(slot)
        return number
