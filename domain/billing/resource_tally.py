"""The dearest resources without an owner, found while a bill is read: in bounded memory, however many it has.

What resources come to is summed by day, scope, service and kind of charge. Beyond `MAX_CELLS` of these sums the dearest
resources are kept, by the money that has no owner in the dimension where they rank best; a resource that comes again
later begins anew. So what is told of a resource never exceeds what it comes to, and where there are that many it may be
less; all that is not told is the rest of the bill.

Who may own a resource is what the bill says of the same resource in other lines, of resources with a tag in common, and
of resources of the same resource group (`domain.billing.resource_guesses`).
"""

from __future__ import annotations

from collections import defaultdict
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

import msgspec

from domain.billing.block import Memo
from domain.billing.charges import owner
from domain.billing.resource_guesses import Evidence
from domain.billing.resources import MAX_DAY_BYTES, MAX_RESOURCES, ResourceCost, ResourcesOfDay
from domain.billing.row import grouped
from domain.money import EXACT, ZERO
from domain.scope import DIMENSIONS, UNATTRIBUTED
from domain.windows import DAY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from decimal import Decimal

    from domain.billing.resource_guesses import Owned
    from domain.billing.row import BillingRow

    Edition = tuple[str, str, str]
    Key = tuple[Any, ...]
    # Lines, then costs by `BASES`.
    Cell = list[Any]

MAX_CELLS: Final = 120_000
_KEPT_CELLS: Final = 40_000
_SCOPE: Final = slice(11, 16)
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
        self._team_of = team_of
        self._max_cells = max_cells
        self._kept_cells = max_cells * _KEPT_CELLS // MAX_CELLS
        self._max_resources = max_resources
        self._days = Memo(_day)
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
        by_resource = self._by_resource()
        money = self._unowned(by_resource)
        chosen = _dearest(money)[: self._max_resources]
        wanted = self._evidence.of(
            chosen,
            ((resource, self._tags.get(resource, {}), self._owned(keys)) for resource, keys in by_resource.items()),
        )
        by_day: defaultdict[int, list[tuple[Decimal, ResourceCost]]] = defaultdict(list)
        for resource in chosen:
            guesses = wanted.guesses(resource, self._tags.get(resource, {}))
            for key in by_resource[resource]:
                scope = self._scope(key)
                told = [guess for guess in guesses if scope[DIMENSIONS.index(guess.dimension)] == UNATTRIBUTED]
                by_day[key[0]].append((self._money(key).copy_abs(), _cost(key, self._cells[key], told)))
        for day, costs in sorted(by_day.items()):
            yield day, list(_fitting(cost for _, cost in sorted(costs, key=lambda each: -each[0])))

    def _prune(self) -> None:
        by_resource = self._by_resource()
        kept: set[str] = set()
        room = self._kept_cells
        for resource in _dearest(self._unowned(by_resource)):
            room -= len(by_resource[resource])
            if room < 0:
                break
            kept.add(resource)
        for resource, keys in by_resource.items():
            if resource not in kept:
                self._evidence.learn(resource, self._tags.pop(resource, {}), self._owned(keys))
                for key in keys:
                    del self._cells[key]

    def _by_resource(self) -> dict[str, list[Key]]:
        found: defaultdict[str, list[Key]] = defaultdict(list)
        for key in self._cells:
            found[key[1]].append(key)
        return found

    def _unowned(self, by_resource: Mapping[str, list[Key]]) -> dict[str, list[Decimal]]:
        """Return what has no owner of each resource, by dimension; resources that owners have whole are left out."""
        found = {}
        for resource, keys in by_resource.items():
            sums = [ZERO] * len(DIMENSIONS)
            for key in keys:
                money = self._money(key)
                for at, name in enumerate(self._scope(key)):
                    if name == UNATTRIBUTED:
                        sums[at] = _add(sums[at], money)
            if any(sums):
                found[resource] = [each.copy_abs() for each in sums]
        return found

    def _owned(self, keys: Iterable[Key]) -> Iterator[Owned]:
        return ((self._scope(key), self._money(key).copy_abs()) for key in keys)

    def _money(self, key: Key) -> Decimal:
        """Return what ranks a resource: its effective cost, or the billed one where that is not told."""
        _, billed, effective, *_ = self._cells[key]
        found: Decimal = (billed if effective is None else effective) or ZERO
        return found

    def _scope(self, key: Key) -> tuple[str, ...]:
        *named, service, team = key[_SCOPE]
        return (*named, service, owner(team, service, key[8], self._team_of))


def _dearest(money: Mapping[str, Sequence[Decimal]]) -> list[str]:
    """Rank resources: by the place of each in the dimension where it is best; of those, by money and name."""
    best: dict[str, int] = {}
    for at in range(len(DIMENSIONS)):
        ranked = sorted(((resource, sums[at]) for resource, sums in money.items() if sums[at]), key=_by_money)
        for place, (resource, _) in enumerate(ranked):
            best[resource] = min(place, best.get(resource, place))
    return sorted(best, key=lambda resource: (best[resource], -max(money[resource]), resource))


def _by_money(each: tuple[str, Decimal]) -> tuple[Decimal, str]:
    return -each[1], each[0]


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
