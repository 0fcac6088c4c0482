"""Who may own a resource, by what the same bill says of resources that are similar, in each dimension of a scope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from domain.billing.resources import ToldGuess
from domain.money import EXACT, ZERO
from domain.remediation import GROUP, KINDS, RESOURCE, TAG, most_of
from domain.resources import group_of
from domain.scope import DIMENSIONS, UNATTRIBUTED

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping
    from decimal import Decimal

    from domain.remediation import Guess, Likeness

    # A scope, and the money of it whatever its sign.
    Owned = tuple[tuple[str, ...], Decimal]

MAX_LIKENESSES: Final = 100_000
_MAX_OWNERS: Final = 1_000
_PLACES: Final = 4
_TOLD: Final = tuple(kind for kind in KINDS if kind in {RESOURCE, TAG, GROUP})


class Evidence:
    """Which owners have how much of what is alike; beyond `MAX_LIKENESSES` new likenesses go without."""

    def __init__(self) -> None:
        self._money: dict[Likeness, dict[tuple[int, str], Decimal]] = {}

    def learn(
        self,
        resource: str,
        tags: Mapping[str, str],
        owned: Iterable[Owned],
        wanted: Container[Likeness] | None = None,
    ) -> None:
        """Take in whose a resource is, for those likenesses that are wanted (None: for all)."""
        alike = [each for each in likenesses(resource, tags) if wanted is None or each in wanted]
        if not alike:
            return
        owners: dict[tuple[int, str], Decimal] = {}
        for scope, money in owned:
            for at, name in enumerate(scope):
                if name != UNATTRIBUTED:
                    owners[at, name] = EXACT.add(owners.get((at, name), ZERO), money)
        for likeness in alike if owners else ():
            self._gain(likeness, owners)

    def of(
        self, chosen: Iterable[str], resources: Iterable[tuple[str, Mapping[str, str], Iterable[Owned]]]
    ) -> Evidence:
        """Learn from these resources, too, what is like the chosen ones; return itself."""
        known = list(resources)
        names = set(chosen)
        wanted = {like for resource, tags, _ in known if resource in names for like in likenesses(resource, tags)}
        for resource, tags, owned in known:
            self.learn(resource, tags, owned, wanted)
        return self

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

    def _gain(self, likeness: Likeness, owners: Mapping[tuple[int, str], Decimal]) -> None:
        known = self._money.get(likeness)
        if known is None:
            if len(self._money) >= MAX_LIKENESSES:
                return
            known = self._money[likeness] = {}
        for owner, money in owners.items():
            if owner in known or len(known) < _MAX_OWNERS:
                known[owner] = EXACT.add(known.get(owner, ZERO), money)


def likenesses(resource: str, tags: Mapping[str, str]) -> Iterator[Likeness]:
    """Yield what may be in common with other resources, as `domain.remediation` names it."""
    yield RESOURCE, resource
    for key, value in tags.items():
        if value:
            yield TAG, f"{key}={value}"
    group = group_of(resource)
    if group:
        yield GROUP, group
