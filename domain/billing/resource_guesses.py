"""Who may own a resource, by what the same bill says of resources that are similar, in each dimension of a scope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from domain.billing.resources import ToldGuess
from domain.money import EXACT, ZERO
from domain.remediation import GROUP, KINDS, RESOURCE, TAG, most_of
from domain.resources import group_of
from domain.scope import DIMENSIONS, UNATTRIBUTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from decimal import Decimal

    from domain.remediation import Guess, Likeness

    # By resource and scope: its money, and the same whatever its sign.
    Sums = dict[str, dict[tuple[str, ...], tuple[Decimal, Decimal]]]
    # The place of a dimension, and who owns there.
    Owner = tuple[int, str]

MAX_LIKENESSES: Final = 100_000
_MAX_OWNERS: Final = 1_000
_PLACES: Final = 4
_NOBODY: Final = (UNATTRIBUTED,) * len(DIMENSIONS)
_TOLD: Final = tuple(kind for kind in KINDS if kind in {RESOURCE, TAG, GROUP})


class Evidence:
    """Which owners have how much of what is alike; beyond `MAX_LIKENESSES` new likenesses go without."""

    def __init__(self) -> None:
        self._money: dict[Likeness, dict[Owner, Decimal]] = {}

    def learn_of(self, chosen: Iterable[str], sums: Sums, tags: Mapping[str, Mapping[str, str]]) -> None:
        """Take in whose resources are, as far as it is like the chosen ones."""
        wanted = {like for resource in chosen for like in likenesses(resource, tags.get(resource, {}))}
        for resource, mine in sums.items():
            owners = _owners(mine)
            for like in likenesses(resource, tags.get(resource, {})) if owners else ():
                if like in wanted:
                    self._gain(like, owners)

    def learn_apart(self, sums: Sums, tags: Mapping[str, Mapping[str, str]]) -> None:
        """Take in whose resources are that are forgotten: by what they have in common with any that may come."""
        alike: dict[tuple[Any, ...], Decimal] = {}
        for resource, mine in sums.items():
            for scope, (_, money) in mine.items():
                if scope != _NOBODY:
                    what = tuple(tags.get(resource, {}).items()), group_of(resource), scope
                    known = alike.get(what)
                    alike[what] = money if known is None else EXACT.add(known, money)
        for (pairs, group, scope), money in alike.items():
            owners = _owners({scope: (money, money)})
            for like in _in_common(pairs, group):
                self._gain(like, owners)

    def guesses(self, resource: str, tags: Mapping[str, str]) -> list[ToldGuess]:
        """Return the best guess in each dimension: by the most telling kind that has more than half of its money."""
        found = []
        for at, dimension in enumerate(DIMENSIONS):
            guess = next(self._by_kind(at, list(likenesses(resource, tags))), None)
            if guess is not None:
                found.append(ToldGuess(dimension, guess.owner, guess.by, round(guess.share, _PLACES)))
        return found

    def _by_kind(self, at: int, alike: list[Likeness]) -> Iterator[Guess]:
        for kind in _TOLD:
            owners: dict[str, Decimal] = {}
            for likeness in alike:
                if likeness[0] == kind:
                    for (dimension, name), money in self._money.get(likeness, {}).items():
                        if dimension == at:
                            owners[name] = EXACT.add(owners.get(name, ZERO), money)
            guess = most_of(kind, owners)
            if guess is not None:
                yield guess

    def _gain(self, likeness: Likeness, owners: Mapping[Owner, Decimal]) -> None:
        known = self._money.get(likeness)
        if known is None:
            if len(self._money) >= MAX_LIKENESSES:
                return
            known = self._money[likeness] = {}
        for owner, money in owners.items():
            if owner in known or len(known) < _MAX_OWNERS:
                known[owner] = EXACT.add(known.get(owner, ZERO), money)


def _owners(mine: Mapping[tuple[str, ...], tuple[Decimal, Decimal]]) -> dict[Owner, Decimal]:
    owners: dict[Owner, Decimal] = {}
    for scope, (_, money) in mine.items():
        for at, name in enumerate(scope):
            if name != UNATTRIBUTED:
                owners[at, name] = EXACT.add(owners.get((at, name), ZERO), money)
    return owners


def likenesses(resource: str, tags: Mapping[str, str]) -> Iterator[Likeness]:
    """Yield what may be in common with other resources, as `domain.remediation` names it."""
    yield RESOURCE, resource
    yield from _in_common(tags.items(), group_of(resource))


def _in_common(tags: Iterable[tuple[str, str]], group: str) -> Iterator[Likeness]:
    for key, value in tags:
        if value:
            yield TAG, f"{key}={value}"
    if group:
        yield GROUP, group
