"""Whose cost nobody knows, ranked by money, with guesses whose it may be.

Unattributed cost is grouped by where it came from. *Not tagged* is what somebody can tag: usage of a resource. *Cannot
be tagged* is what has no resource: tax, credits, adjustments, purchases, support; a rule has to share it out.

A guess is what similar cost that does name an owner says most, by money: that of the same resource at other times,
then of resources with a tag in common, then of the same resource group, then of the same account, then of the same
service. It counts when it is more than half of the money of its kind.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from domain.cloudevents import event_id as hashed
from domain.money import EXACT, RATIO, ZERO, add_up
from domain.resources import group_of
from domain.scope import UNATTRIBUTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

FOUND: Final = "costguard.remediation.found"
NOT_TAGGED: Final = "not tagged"
CANNOT_BE_TAGGED: Final = "cannot be tagged"
USAGE: Final = "usage"
# From the most telling kind of likeness to the least.
RESOURCE: Final = "resource"
TAG: Final = "tag"
GROUP: Final = "resource group"
ACCOUNT: Final = "account"
SERVICE: Final = "service"
KINDS: Final = (RESOURCE, TAG, GROUP, ACCOUNT, SERVICE)
MAX_RESOURCES: Final = 5
# What is remembered of likenesses and of resources: beyond it, new ones go without.
MAX_REMEMBERED: Final = 500_000
_HALF: Final = Decimal("0.5")

Likeness = tuple[str, str]


class Line(NamedTuple):
    """Some cost: who owns it (`unattributed`: nobody says), and where it came from; empty where that is not known.

    `category` is FOCUS's charge category in lower case; `tags` are those that do not name the owner.
    """

    owner: str
    amount: Decimal
    provider: str = ""
    account: str = ""
    service: str = ""
    resource: str = ""
    category: str = USAGE
    tags: tuple[tuple[str, str], ...] = ()
    has_resources: bool = True
    """Whether a resource would be named here: if not, its absence means nothing."""


class Guess(NamedTuple):
    """An owner that similar cost names, in which respect it is similar, and the owner's share of it."""

    owner: str
    by: str
    share: Decimal


class Resource(NamedTuple):
    """A resource with cost that nobody owns, and whose it may be."""

    name: str
    amount: Decimal
    account: str = ""
    guess: Guess | None = None


class Finding(NamedTuple):
    """Unattributed cost of one origin; `resources` and `accounts` are the dearest in it, where they are known.

    `id` is the same for the same origin. `other_resources` is what is left of the amount without `resources`.
    """

    id: str
    reason: str
    provider: str
    account: str
    service: str
    category: str
    amount: Decimal
    lines: int
    resources: tuple[Resource, ...]
    other_resources: Decimal
    guess: Guess | None
    accounts: tuple[tuple[str, Decimal], ...] = ()


class _Origin(NamedTuple):
    reason: str
    provider: str
    account: str
    service: str
    category: str


class _Sum:
    def __init__(self) -> None:
        self.amount = ZERO
        self.lines = 0
        self.resources: dict[str, Decimal] = {}
        self.places: dict[str, Likeness] = {}
        self.told: dict[str, Guess] = {}
        self.accounts: dict[str, Decimal] = {}
        self.likenesses: dict[Likeness, None] = {}


class Remediation:
    """Takes lines of cost in any order, and says at the end what is to be done about them."""

    def __init__(self, dimension: str) -> None:
        """`dimension`: whose owner is missing, as `team`; it is part of the findings' ids."""
        self._dimension = dimension
        self._origins: defaultdict[_Origin, _Sum] = defaultdict(_Sum)
        self._owners: dict[Likeness, dict[str, Decimal]] = {}
        self.total = ZERO
        self.unattributed = ZERO

    def add(self, lines: Iterable[Line]) -> None:
        """Count lines."""
        for line in lines:
            self.total = EXACT.add(self.total, line.amount)
            if line.owner == UNATTRIBUTED:
                self.unattributed = EXACT.add(self.unattributed, line.amount)
                self._count(line)
            else:
                self._learn(line)

    def resemble(self, lines: Iterable[Line]) -> None:
        """Learn of accounts: lines of the same cost, told apart by account. No amount of theirs counts."""
        for line in filter(_has_account, lines):
            likeness = ACCOUNT, f"{line.provider}/{line.account}"
            if line.owner != UNATTRIBUTED:
                self._learn_one(likeness, line)
                continue
            added = self._origins.get(_Origin(_reason(line), line.provider, "", line.service, line.category))
            if added is not None:
                _gain(added.accounts, line.account, line.amount)
                if len(added.likenesses) < MAX_REMEMBERED:
                    added.likenesses[likeness] = None

    def name(self, lines: Iterable[tuple[Line, Guess | None]]) -> None:
        """Learn of resources: lines of parts of the same cost, with what the bill itself guesses. No amount counts."""
        for line, told in lines:
            if line.owner != UNATTRIBUTED:
                self._learn_one((RESOURCE, line.resource), line)
                continue
            added = self._origins.get(_Origin(_reason(line), line.provider, "", line.service, line.category))
            if added is not None:
                self._name(added, line)
                added.likenesses[RESOURCE, line.resource] = None
                if told is not None and len(added.told) < MAX_REMEMBERED:
                    added.told[line.resource] = told

    def findings(self) -> list[Finding]:
        """Return the findings, most money first; a credit weighs as much as the cost it takes back."""
        found = [self._finding(origin, added) for origin, added in self._origins.items()]
        return sorted(found, key=lambda each: (each.amount.copy_abs().copy_negate(), each.id))

    def _count(self, line: Line) -> None:
        origin = _Origin(_reason(line), line.provider, line.account, line.service, line.category)
        added = self._origins[origin]
        added.amount = EXACT.add(added.amount, line.amount)
        added.lines += 1
        if line.resource:
            self._name(added, line)
        if len(added.likenesses) < MAX_REMEMBERED:
            added.likenesses.update(dict.fromkeys(_likenesses(line)))

    @staticmethod
    def _name(added: _Sum, line: Line) -> None:
        _gain(added.resources, line.resource, line.amount)
        if line.account and line.resource in added.resources:
            added.places[line.resource] = ACCOUNT, f"{line.provider}/{line.account}"

    def _learn(self, line: Line) -> None:
        for likeness in _likenesses(line):
            self._learn_one(likeness, line)

    def _learn_one(self, likeness: Likeness, line: Line) -> None:
        owners = self._owners.get(likeness)
        if owners is None:
            if len(self._owners) >= MAX_REMEMBERED:
                return
            owners = self._owners[likeness] = {}
        _gain(owners, line.owner, line.amount.copy_abs())

    def _finding(self, origin: _Origin, added: _Sum) -> Finding:
        resources = tuple(self._resource(added, *each) for each in _dearest(added.resources))
        return Finding(
            hashed(FOUND, self._dimension, *origin),
            *origin,
            added.amount,
            added.lines,
            resources,
            EXACT.subtract(added.amount, add_up(each.amount for each in resources)),
            self._guess(added),
            _dearest(added.accounts),
        )

    def _guess(self, added: _Sum) -> Guess | None:
        for kind in KINDS:
            alike = [each for each in added.likenesses if each[0] == kind]
            found = self._by(kind, alike) or most_of(kind, _told_of(kind, added))
            if found is not None:
                return found
        return None

    def _by(self, kind: str, alike: Iterable[Likeness]) -> Guess | None:
        owners: dict[str, Decimal] = {}
        for likeness in alike:
            for owner, amount in self._owners.get(likeness, {}).items():
                _gain(owners, owner, amount)
        return most_of(kind, owners)

    def _resource(self, added: _Sum, name: str, amount: Decimal) -> Resource:
        place = added.places.get(name)
        same, told = self._by(RESOURCE, [(RESOURCE, name)]), added.told.get(name)
        guess = same or told or (None if place is None else self._by(ACCOUNT, [place]))
        return Resource(name, amount, "" if place is None else place[1].partition("/")[2], guess)


def _dearest(sums: Mapping[str, Decimal]) -> tuple[tuple[str, Decimal], ...]:
    ranked = sorted(sums.items(), key=lambda each: (each[1].copy_abs().copy_negate(), each[0]))
    return tuple(ranked[:MAX_RESOURCES])


def _has_account(line: Line) -> bool:
    return bool(line.account and line.amount)


def _reason(line: Line) -> str:
    if line.category != USAGE or (line.has_resources and not line.resource):
        return CANNOT_BE_TAGGED
    return NOT_TAGGED


def _likenesses(line: Line) -> Iterator[Likeness]:
    origin = line.provider
    if line.resource:
        yield RESOURCE, line.resource
    for key, value in line.tags:
        if value:
            yield TAG, f"{key}={value}"
    if group := group_of(line.resource):
        yield GROUP, group
    if line.account:
        yield ACCOUNT, f"{origin}/{line.account}"
    if line.service:
        yield SERVICE, f"{origin}/{line.service}"


def _told_of(kind: str, added: _Sum) -> dict[str, Decimal]:
    """Return how much of the resources is whose, by what bills guess from this kind of likeness."""
    owners: dict[str, Decimal] = {}
    for resource, guess in added.told.items():
        if guess.by == kind:
            _gain(owners, guess.owner, added.resources[resource].copy_abs())
    return owners


def most_of(kind: str, owners: Mapping[str, Decimal]) -> Guess | None:
    """Return the owner of more than half of the money that is alike in a respect."""
    if not owners:
        return None
    owner, most = min(owners.items(), key=lambda each: (each[1].copy_negate(), each[0]))
    total = add_up(owners.values())
    share = RATIO.divide(most, total) if total else ZERO
    return Guess(owner, kind, share) if share > _HALF else None


def _gain(sums: dict[str, Decimal], key: str, amount: Decimal) -> None:
    known = sums.get(key)
    if known is not None:
        sums[key] = EXACT.add(known, amount)
    elif len(sums) < MAX_REMEMBERED:
        sums[key] = amount
