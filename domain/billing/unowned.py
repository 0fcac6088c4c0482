"""Lines of bills for `domain.remediation`, with their resources and tags, which no table keeps.

Bills are gone through twice. What counts of them is known at their end: which editions stand, which of two data sets
tells a day, and whether a bill names resources at all. So neither the lines nor their number have to be kept.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from domain.billing.charges import book, costs_of, day_of
from domain.billing.datasets import gives_way, rivals
from domain.money import ZERO
from domain.remediation import Line
from domain.scope import DIMENSIONS, UNATTRIBUTED
from domain.sources import BASES, slug

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from domain.billing.editions import Edition
    from domain.billing.row import BillingRow
    from domain.fx import Rates

Key = tuple[str, str, str]


class UnownedLines:
    """Reads one basis of charges of some categories (in lower case; none: all) as lines of cost, where it is not 0.

    `survey` all rows, `decide` which editions count, then read all rows once more.
    """

    def __init__(
        self,
        rates: Rates,
        currency: str,
        team_of: Callable[[str], str | None],
        *,
        dimension: str,
        basis: str,
        categories: Collection[str],
    ) -> None:
        self._rates = rates
        self._currency = currency
        self._team_of = team_of
        self._dimension = dimension
        self._basis = basis
        self._at = BASES.index(basis)
        self._categories = categories
        self._days: defaultdict[Key, set[int]] = defaultdict(set)
        self._with_resources: set[Key] = set()
        self._counting: Mapping[Key, Edition] = {}
        self._told: set[tuple[str, int]] = set()

    def survey(self, rows: Iterable[BillingRow]) -> None:
        """Note what has to be known of the rows of a bill before any of them is a line."""
        for row in filter(self._is_meant, rows):
            self._days[row.edition].add(day_of(row))
            if row.resource_id:
                self._with_resources.add(row.edition)

    def decide(self, counting: Mapping[Key, Edition]) -> tuple[int, int]:
        """Set which editions count; return the first and the last day (epoch seconds) that they tell, else 0 and 0."""
        self._counting = counting
        told = [(counting[edition], day) for edition, days in self._days.items() if edition in counting for day in days]
        self._told = {(rival, day) for edition, day in told for rival in rivals(edition)}
        all_days = [day for _, day in told] or [0]
        return min(all_days), max(all_days)

    def lines(self, rows: Iterable[BillingRow]) -> Iterator[Line]:
        """Return the lines of the rows that count. Raises `MissingRateError`."""
        for row in filter(self._is_meant, rows):
            if row.edition in self._counting and not gives_way(row.statement, day_of(row), self._basis, self._told):
                yield self._line(row, has_resources=row.edition in self._with_resources)

    def _is_meant(self, row: BillingRow) -> bool:
        # None: the bill does not tell the basis.
        if not costs_of(row)[self._at]:
            return False
        return not self._categories or slug(row.charge_category) in self._categories

    def _line(self, row: BillingRow, *, has_resources: bool) -> Line:
        booked = book(row, self._rates, self._currency, self._team_of)
        scope = dict(zip(DIMENSIONS, booked.key[1:6], strict=True))
        owner = scope.pop(self._dimension)
        named = ((name, value) for name, value in scope.items() if value != UNATTRIBUTED)
        return Line(
            owner,
            booked.amounts[self._at] or ZERO,
            booked.provider,
            row.sub_account_id or row.billing_account_id or "",
            booked.key.resource_type,
            row.resource_id or "",
            booked.category,
            (*named, *row.tags.items()),
            has_resources,
        )
