"""Purchases whose parts are in later months: what counts of them depends on what came, not on when it did."""

from __future__ import annotations

from decimal import Decimal
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.billing.editions import Edition
from domain.billing.records import closing_record, row_record
from domain.billing.spreading import tied
from tests.agents.test_billing import House
from tests.domain.billing.test_books import row

if TYPE_CHECKING:
    from domain.billing.row import BillingRow


class Sets(NamedTuple):
    """The data sets of a provider, and what an export of a later month says that makes parts give way."""

    provider: str
    bought: str
    parts: str
    later: str
    amortises: tuple[str, ...]


AZURE = Sets("Microsoft", "actual", "purchases", "amortised", ())
AWS = Sets("AWS", "cur", "reservation-fees", "cur", ("reservation-fees",))


class Books:
    """The agent, which reads again what it sends to bills."""

    def __init__(self) -> None:
        self.house = House()
        self.offset = 0

    async def come(self, *values: bytes | None) -> None:
        sent = self.house.publisher.sent
        taken = len(sent["deltas"])
        await self.house.handle(*values, first=self.offset)
        self.offset += len(values)
        again = [value for _, value, _ in sent["deltas"][taken:]]
        if again:
            await self.come(*again)

    def effective(self) -> Decimal:
        return self.house.by_basis().get("effective", Decimal(0))


def charge(effective: str, statement: str, part: str, assembly: str) -> BillingRow:
    one = row("0", assembly=assembly, statement=statement, part=part)
    return msgspec.structs.replace(one, effective_cost=Decimal(effective))


def delivery(
    sets: Sets, assembly: str, written: int, parts: str | None, *, rest: str = "1"
) -> list[tuple[list[BillingRow], Edition]]:
    """Return rows and editions of a file of June, with part of a purchase in July or without."""
    june, july = (
        f"{sets.provider}/{each}/acct/2026-{month}-01" for each, month in ((sets.bought, "06"), (sets.parts, "07"))
    )
    rows = [[charge(rest, june, "f.csv", assembly)]]
    if parts is not None:
        rows.append([charge(parts, july, "2026-06-01/f.csv", assembly)])
    return list(zip(rows, tied([_closing(each, written) for each in rows]), strict=True))


def _closing(rows: list[BillingRow], written: int, amortises: tuple[str, ...] = ()) -> Edition:
    digest = f"{abs(hash((rows[0].assembly, rows[0].statement))):032x}"
    return Edition(
        *rows[0].edition,
        written,
        final=False,
        latest=0,
        rows=len(rows),
        rejected=0,
        content=digest,
        amortises=amortises,
    )


def later(
    sets: Sets, effective: str, amortises: tuple[str, ...], written: int = 9
) -> list[tuple[list[BillingRow], Edition]]:
    """Return an export of July."""
    rows = [charge(effective, f"{sets.provider}/{sets.later}/acct/2026-07-01", "g.csv", f"july{written}")]
    return [(rows, _closing(rows, written, amortises))]


def records(found: list[tuple[list[BillingRow], Edition]]) -> list[list[bytes | None]]:
    """Return the records of each statement of a delivery, which may meet different partitions."""
    return [[*[row_record(one, n)[1] for n, one in enumerate(rows)], closing_record(end)[1]] for rows, end in found]


@pytest.mark.parametrize("sets", [AZURE, AWS])
async def test_a_newer_edition_without_the_purchase_takes_its_parts_back(sets: Sets) -> None:
    for order in (1, -1):
        books = Books()
        for each in (delivery(sets, "old", 1, "7"), delivery(sets, "new", 2, None))[::order]:
            await books.come(*chain.from_iterable(records(each)))
        assert books.effective() == 1
        await books.come(*chain.from_iterable(records(delivery(sets, "newest", 3, "5"))))
        assert books.effective() == 6


@pytest.mark.parametrize("order", [1, -1])
async def test_fees_give_way_to_a_later_report_that_amortises_them_and_to_no_other(order: int) -> None:
    for amortises, expected in ((("reservation-fees",), 1 + 20), ((), 1 + 20 + 7), (("plan-fees",), 1 + 20 + 7)):
        books = Books()
        for each in (delivery(AWS, "june", 1, "7"), later(AWS, "20", amortises))[::order]:
            await books.come(*chain.from_iterable(records(each)))
        assert books.effective() == expected


async def test_columns_that_a_report_loses_again_are_missed_again() -> None:
    books = Books()
    exports = (later(AWS, "20", ("reservation-fees",)), delivery(AWS, "june", 1, "7"), later(AWS, "13", (), written=10))
    for each, expected in zip(exports, (20, 21, 1 + 13 + 7), strict=True):
        await books.come(*chain.from_iterable(records(each)))
        assert books.effective() == expected


_EDITIONS = st.lists(st.sampled_from([None, "7", "5"]), min_size=1, max_size=4)


@given(_EDITIONS, st.sampled_from([AZURE, AWS]), st.data())
async def test_the_order_in_which_editions_and_their_parts_come_changes_nothing(
    parts: list[str | None], sets: Sets, data: st.DataObject
) -> None:
    amortised = data.draw(st.booleans())
    found = [delivery(sets, f"e{number}", number, part) for number, part in enumerate(parts)]
    if amortised:
        found.append(later(sets, "20", sets.amortises))
    pieces = data.draw(st.permutations([piece for each in found for piece in records(each)]))
    books = Books()
    for piece in pieces:
        await books.come(*piece)
    july = Decimal(20) if amortised else Decimal(parts[-1] or 0)
    assert books.effective() == 1 + july
    await books.come(*chain.from_iterable(pieces))
    assert books.effective() == 1 + july, "all of it again adds nothing"
