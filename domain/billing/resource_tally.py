"""The dearest resources without an owner, found while a bill is read: in bounded memory, however many it has.

What resources come to is summed by day, scope, service and kind of charge. Beyond `MAX_CELLS` of these sums the dearest
resources are kept, by the money that has no owner in the dimension where they rank best; a resource that comes again
later begins anew. So what is told of a resource never exceeds what it comes to, and where there are that many it may be
less; all that is not told is the rest of the bill.

Who may own a resource is what the bill says of the same resource in other lines, of resources with a tag in common, and
of resources of the same resource group (`domain.billing.resource_guesses`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from heapq import nlargest
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

import msgspec

from domain.billing.block import Memo
from domain.billing.charges import owner
from domain.billing.resource_guesses import Evidence
from domain.billing.resources import MAX_DAY_BYTES, MAX_RESOURCES, ResourceCost, ResourcesOfDay
from domain.billing.row import grouped
from domain.money import EXACT, ZERO, add_up
from domain.scope import DIMENSIONS, UNATTRIBUTED
from domain.windows import DAY

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from decimal import Decimal

    from domain.billing.resource_guesses import Sums
    from domain.billing.row import BillingRow

    Edition = tuple[str, str, str]
    Key = tuple[Any, ...]
    # Lines, then costs by `BASES`.
    Cell = list[Any]

MAX_CELLS: Final = 120_000
_KEPT_CELLS: Final = 40_000
_SCOPE: Final = slice(11, 16)
# From the kind of a charge, which says whether an owner of its service owns it, to the end of its scope.
_OWNED: Final = slice(8, 16)
_TAGS_FROM: Final = 3
_named = attrgetter(
    "resource_id", "sub_account_id", "service_name", "service_category", "provider_name", "publisher_name",
    "charge_category", "charge_kind", "billing_currency", "purchased", *DIMENSIONS,
)  # fmt: skip
_COSTS: Final = ((1, "billed_cost"), (2, "effective_cost"), (3, "contracted_cost"), (4, "list_cost"))
_costs = attrgetter(*(name for _, name in _COSTS))
_add = EXACT.add
_encode = msgspec.json.Encoder().encode


class ResourceTally:
    """Takes the rows of a delivery, and tells at its end, of each of its editions, the dearest resources by day."""

    def __init__(
        self, team_of: Callable[[str], str | None], *, max_cells: int = MAX_CELLS, max_resources: int = MAX_RESOURCES
    ) -> None:
        """`team_of` is the registry of owners: what it knows an owner of is not without one."""
        self._tallies: defaultdict[Edition, _Tally] = defaultdict(lambda: _Tally(team_of, max_cells, max_resources))

    def add(self, rows: Sequence[BillingRow]) -> None:
        """Count rows."""
        for edition, mine in grouped(rows, "statement", "part", "assembly"):
            self._tallies[edition].add(mine)

    def told(self) -> Iterator[ResourcesOfDay]:
        """Yield what there is to tell; an edition whose resources all have owners tells nothing."""
        for edition, tally in sorted(self._tallies.items()):
            for day, costs in tally.days():
                yield ResourcesOfDay(*edition, day, costs)


class _Tally:
    """The resources of one edition; a key is the day, then what `_named` returns."""

    def __init__(self, team_of: Callable[[str], str | None], max_cells: int, max_resources: int) -> None:
        self._max_cells = max_cells
        self._kept_cells = max_cells * _KEPT_CELLS // MAX_CELLS
        self._max_resources = max_resources
        self._days = Memo(_day)
        self._scopes = Memo(lambda owned: _scope(owned, team_of))
        self._cells: dict[Key, Cell] = {}
        self._tags: dict[str, Mapping[str, str]] = {}
        self._evidence = Evidence()

    def add(self, rows: Iterable[BillingRow]) -> None:
        days, cells, tags = self._days, self._cells, self._tags
        for row in rows:
            resource = row.resource_id
            if not resource:
                continue
            key = (days[row.charge_period_start], *_named(row))
            cell = cells.get(key)
            if cell is None:
                cells[key] = [1, *_costs(row)]
            else:
                cell[0] += 1
                for at, cost in enumerate(_costs(row), start=1):
                    if cost is not None:
                        cell[at] = cost if cell[at] is None else _add(cell[at], cost)
            if row.tags:
                tags[resource] = row.tags
        if len(cells) > self._max_cells:
            self._prune()

    def days(self) -> Iterator[tuple[int, list[ResourceCost]]]:
        """Yield the days, each with its dearest costs, as many as may be sent of one."""
        sums = self._sums()
        chosen = dict.fromkeys(self._dearest(sums, self._max_resources)[: self._max_resources])
        self._evidence.learn_of(chosen, sums, self._tags)
        guesses = {name: self._evidence.guesses(name, self._tags.get(name, {})) for name in chosen}
        by_day: defaultdict[int, list[tuple[Decimal, ResourceCost]]] = defaultdict(list)
        for key, cell in self._cells.items():
            resource = key[1]
            if resource in chosen:
                scope = self._scopes[key[_OWNED]]
                told = [
                    guess for guess in guesses[resource] if scope[DIMENSIONS.index(guess.dimension)] == UNATTRIBUTED
                ]
                by_day[key[0]].append((_money(cell).copy_abs(), _cost(key, cell, told)))
        for day, costs in sorted(by_day.items()):
            yield day, list(_fitting(cost for _, cost in sorted(costs, key=lambda each: -each[0])))

    def _prune(self) -> None:
        sums = self._sums()
        cells = Counter(key[1] for key in self._cells)
        kept: dict[str, None] = {}
        room = self._kept_cells
        for resource in self._dearest(sums, self._kept_cells):
            room -= cells[resource]
            if room < 0:
                break
            kept[resource] = None
        gone = {resource: mine for resource, mine in sums.items() if resource not in kept}
        self._evidence.learn_apart(gone, self._tags)
        self._cells = {key: cell for key, cell in self._cells.items() if key[1] in kept}
        self._tags = {resource: tags for resource, tags in self._tags.items() if resource in kept}

    def _sums(self) -> Sums:
        """Return, by resource and scope, its money, and the same whatever its sign."""
        found: Sums = {}
        scopes, add = self._scopes, _add
        for key, cell in self._cells.items():
            money = _money(cell)
            mine = found.get(key[1])
            if mine is None:
                mine = found[key[1]] = {}
            scope = scopes[key[_OWNED]]
            known = mine.get(scope)
            if known is None:
                mine[scope] = money, money.copy_abs()
            else:
                mine[scope] = add(known[0], money), add(known[1], money.copy_abs())
        return found

    def _dearest(self, sums: Sums, most: int) -> list[str]:
        """Rank resources by the place of each in the dimension where it is best, at most so many of a dimension."""
        best: dict[str, int] = {}
        for unowned in _unowned(sums):
            ranked = nlargest(most, ((money, resource) for resource, money in unowned.items()))
            for place, (_, resource) in enumerate(ranked):
                best[resource] = min(place, best.get(resource, place))
        return sorted(best, key=lambda resource: (best[resource], resource))


def _scope(owned: tuple[str, ...], team_of: Callable[[str], str | None]) -> tuple[str, ...]:
    """Return the scope of a cost, by the part of its key that tells it."""
    kind, *_, service, team = owned
    return (*owned[_TAGS_FROM:-1], owner(team, service, kind, team_of))


def _unowned(sums: Sums) -> list[dict[str, Decimal]]:
    """Return by dimension what has no owner of each resource, whatever its sign; what comes to nothing is left out.

    Dimensions in which the same scopes lack an owner are told once: without any tag, one is as good as another.
    """
    scopes = {scope for mine in sums.values() for scope in mine}
    lacking = {frozenset(each for each in scopes if each[at] == UNATTRIBUTED) for at in range(len(DIMENSIONS))}
    return [_lacking(sums, each) for each in sorted(lacking, key=sorted)]


def _lacking(sums: Sums, scopes: Container[tuple[str, ...]]) -> dict[str, Decimal]:
    found = {}
    for resource, mine in sums.items():
        if len(mine) == 1:
            ((scope, (money, _)),) = mine.items()
            if money and scope in scopes:
                found[resource] = money.copy_abs()
        elif amount := add_up(money for scope, (money, _) in mine.items() if scope in scopes):
            found[resource] = amount.copy_abs()
    return found


def _money(cell: Cell) -> Decimal:
    """Return what ranks a cost: the effective one, or the billed one where that is not told."""
    found: Decimal = (cell[1] if cell[2] is None else cell[2]) or ZERO
    return found


def _fitting(costs: Iterable[ResourceCost]) -> Iterator[ResourceCost]:
    room = MAX_DAY_BYTES
    for cost in costs:
        room -= len(_encode(cost)) + 1
        if room < 0:
            return
        yield cost


def _cost(key: Key, cell: Cell, guesses: list[Any]) -> ResourceCost:
    _, resource, account, service, service_category, provider, publisher, category, kind, currency, purchased = key[:11]
    rows, billed, effective, contracted, listed = cell
    return ResourceCost(
        resource,
        account or "",
        service or "",
        service_category or "",
        provider or publisher or "",
        category,
        kind,
        currency,
        purchased,
        key[_SCOPE],
        rows,
        (billed, effective, contracted, listed),
        guesses,
    )


def _day(instant: datetime) -> int:
    seconds = int(instant.timestamp())
    return seconds - seconds % DAY
