"""Sums that are kept from one question to the next, up to so many groups; the least recently used go first."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Hashable

    from domain.queries import CostQuery, Fold

# Each takes some 300 bytes.
MAX_KEPT_GROUPS: Final = 300_000
_CHARACTERS_A_GROUP: Final = 200


class Shelf:
    """Keeps the sums of a shape (what decides them, besides the lines) with a mark of the lines that they are of."""

    def __init__(self, max_groups: int = MAX_KEPT_GROUPS) -> None:
        self._kept: OrderedDict[Hashable, tuple[Hashable, Fold, int]] = OrderedDict()
        self._groups = 0
        self._max_groups = max_groups

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def groups(self) -> int:
        """What is kept, in groups."""
        return self._groups

    def find(self, shape: Hashable, mark: Hashable) -> Fold | None:
        """Return sums that are of lines of the same mark."""
        known, fold, _ = self._kept.get(shape, (None, None, 0))
        if fold is None or known != mark:
            return None
        self._kept.move_to_end(shape)
        return fold

    def keep(self, shape: Hashable, mark: Hashable, fold: Fold, weight: int) -> None:
        """Keep sums in the place of older ones of the shape; `weight` is what they take, in groups."""
        _, _, old = self._kept.pop(shape, (None, None, 0))
        self._groups += weight - old
        self._kept[shape] = mark, fold, weight
        while self._groups > self._max_groups:
            _, (_, _, forgotten) = self._kept.popitem(last=False)
            self._groups -= forgotten


def shape_of(query: CostQuery) -> tuple[Hashable, ...]:
    """Return what of a query decides the sums of given lines."""
    bill = query.basis, query.categories, query.billed_until
    return query.group_by, query.granularity, query.source, *bill, frozenset(query.filters.items())


def weight_of(query: CostQuery) -> int:
    """Return what it takes to remember a question, in groups: texts of filters count, too."""
    characters = sum(len(value) for values in query.filters.values() for value in values)
    return 1 + characters // _CHARACTERS_A_GROUP
