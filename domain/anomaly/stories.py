"""Many scopes, one cause: a tenant's spike is its feature's and everybody's too, and is told once.

Two findings of one hour belong together when they have driver and direction in common and no dimension in which they
differ. A story is told of the narrowest scope that still has most of the money.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from domain.anomaly.bills import ACCOUNT_SERVICE
from domain.anomaly.episodes import label, terms_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from domain.anomaly.hours import Observed, ScopeKey
    from domain.anomaly.spend import Judgement

MOST: Final = 0.8


class Finding(NamedTuple):
    """An odd hour of one scope and driver; `kind` is what it looks like at first."""

    key: ScopeKey
    kind: str
    judged: Judgement
    parts: Observed

    @property
    def above(self) -> bool:
        """Whether more was spent than expected."""
        return self.judged.difference > 0


class Story(NamedTuple):
    """Findings with one cause: the one that is told, and what else is touched."""

    root: Finding
    members: tuple[str, ...]


def related(one: ScopeKey, other: ScopeKey) -> bool:
    """Tell whether two scopes have spend in common, as far as their names say; an account's service is by itself."""
    if (one[0] == ACCOUNT_SERVICE) is not (other[0] == ACCOUNT_SERVICE):
        return False
    terms = terms_of(other)
    return one[2] == other[2] and all(terms.get(name, value) == value for name, value in terms_of(one).items())


def tell(findings: Iterable[Finding]) -> list[Story]:
    """Group the findings of an hour, by money."""
    left = sorted(findings, key=lambda each: (-abs(each.judged.difference), each.key))
    stories: list[Story] = []
    while left:
        group = _group(left)
        root = _root(group)
        members = tuple(sorted(label(each.key) for each in group if each is not root))
        stories.append(Story(root, members))
        taken = {id(each) for each in group}
        left = [each for each in left if id(each) not in taken]
    return stories


def _group(left: Sequence[Finding]) -> list[Finding]:
    """Return what belongs to the narrowest finding that has most of the largest one's money."""
    largest = left[0]
    near = [each for each in left if each.above == largest.above and related(each.key, largest.key)]
    root = _root(near)
    return [each for each in near if related(each.key, root.key)]


def _root(group: Sequence[Finding]) -> Finding:
    most = MOST * max(abs(each.judged.difference) for each in group)
    weighty = [each for each in group if abs(each.judged.difference) >= most]
    return max(weighty, key=lambda each: (len(each.key[1]), abs(each.judged.difference), each.key))
