"""What reservations and savings plans of AWS come to: from columns of amortisation, or spread where a report has none.

A report that amortises tells the effective cost of what a commitment covers and of what it leaves unused; its upfront
fees are 0. One that does not (the columns came in 2018 and 2019, and an export may leave them out) tells no more than
fees. These are spread: an upfront fee over the term of its commitment, a recurring one over the period that it pays
for. What of it belongs to later months is told in statements of these months (`domain.billing.spreading`), for their
reports may amortise it. The term ends with the reservation or plan, or lasts as long as was bought (`1yr`, `3yr`). A
fee of which no term is told counts on its day, and is noted.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from domain.billing import amortising
from domain.billing.datasets import PLAN_FEES, RESERVATION_FEES
from domain.billing.header import canonical
from domain.billing.spreading import in_its_month, period_of
from domain.money import EXACT, ZERO

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from decimal import Decimal

    from domain.billing.block import Block
    from domain.billing.formats import Columns
    from domain.billing.header import Header
    from domain.billing.row import BillingRow

KIND: Final = "lineItem/LineItemType"
NEGATION: Final = "SavingsPlanNegation"
RESERVATION: Final = ("reservation/ReservationARN", "reservation/ReservationA_R_N")
_PLANS: Final = "SavingsPlan"
_PLAN_FEE: Final = "SavingsPlanUpfrontFee"
_FEES: Final = frozenset({"Fee", "RIFee", _PLAN_FEE, "SavingsPlanRecurringFee"})
_ENDS: Final = ("reservation/EndTime", "savingsPlan/EndTime")
_LENGTHS: Final = ("pricing/LeaseContractLength", "savingsPlan/PurchaseTerm")
_LENGTH: Final = re.compile(r"([1-5]) ?y(?:ea)?rs?", re.IGNORECASE)
_AMORTISES: Final = {
    RESERVATION_FEES: "reservation/EffectiveCost",
    PLAN_FEES: "savingsPlan/SavingsPlanEffectiveCost",
}
USES: Final = (
    "reservation/EffectiveCost", "reservation/NetEffectiveCost", *RESERVATION,
    "reservation/UnusedAmortizedUpfrontFeeForBillingPeriod", "reservation/UnusedRecurringFee",
    "reservation/NetUnusedAmortizedUpfrontFeeForBillingPeriod", "reservation/NetUnusedRecurringFee",
    "savingsPlan/SavingsPlanEffectiveCost", "savingsPlan/NetSavingsPlanEffectiveCost", "savingsPlan/UsedCommitment",
    "savingsPlan/SavingsPlanARN", "savingsPlan/SavingsPlanA_R_N", "savingsPlan/TotalCommitmentToDate",
    *_ENDS, *_LENGTHS,
)  # fmt: skip


class Commitments:
    """The columns of reservations and savings plans, read when a line needs them."""

    def __init__(self, block: Block) -> None:
        self._block = block
        self.are_reservations_told = _AMORTISES[RESERVATION_FEES] in block
        self.are_plans_told = _AMORTISES[PLAN_FEES] in block
        self._read: dict[str, list[Decimal | None]] = {}

    def amount(self, position: int, group: str, name: str) -> Decimal:
        """Return the net amount, else the plain one, else 0."""
        spelt = (f"{group}/Net{name}", f"{group}/{name}")
        for each in spelt:
            if each not in self._read:
                self._read[each] = self._block.money(each)
            if (found := self._read[each][position]) is not None:
                return found
        return ZERO

    def are_told(self, kind: str) -> bool:
        """Tell whether the report amortises lines of a type."""
        return self.are_plans_told if kind.startswith(_PLANS) else self.are_reservations_told

    def is_upfront_fee(self, kind: str, position: int) -> bool:
        """Tell whether a line is the upfront fee of a savings plan or a reservation."""
        return kind == _PLAN_FEE or (kind == "Fee" and bool(self._block.cells(*RESERVATION)[position]))

    def is_fee_to_spread(self, kind: str, position: int) -> bool:
        """Tell whether a line is a fee of a commitment that the report does not amortise."""
        if kind not in _FEES or self.are_told(kind):
            return False
        return kind != "Fee" or self.is_upfront_fee(kind, position)

    def end_of_term(self, position: int, start: datetime) -> datetime | None:
        """Return when the commitment ends that a line buys; None where the report does not tell."""
        ends = [end for name in _ENDS if (end := self._block.instant_of(name, position)) is not None]
        if ends:
            return ends[0]
        found = [_LENGTH.fullmatch(self._block.cells(name)[position].strip()) for name in _LENGTHS]
        years = next((int(each[1]) for each in found if each), None)
        return None if years is None else _after(start, years)


def effective(kind: str, billed: Decimal, position: int, parts: Commitments) -> Decimal:
    """Return the effective cost of a line as the report tells it; that of a fee which is to be spread is the fee."""
    if kind == "Usage" or not parts.are_told(kind):
        return billed
    if kind == "DiscountedUsage":
        return parts.amount(position, "reservation", "EffectiveCost")
    if kind == "SavingsPlanCoveredUsage":
        return parts.amount(position, "savingsPlan", "SavingsPlanEffectiveCost")
    if kind == "RIFee":
        upfront = parts.amount(position, "reservation", "UnusedAmortizedUpfrontFeeForBillingPeriod")
        return EXACT.add(upfront, parts.amount(position, "reservation", "UnusedRecurringFee"))
    if kind == "SavingsPlanRecurringFee":
        committed = parts.amount(position, "savingsPlan", "TotalCommitmentToDate")
        return EXACT.subtract(committed, parts.amount(position, "savingsPlan", "UsedCommitment"))
    return ZERO if kind == NEGATION or parts.is_upfront_fee(kind, position) else billed


def spread_fees(block: Block, kinds: Sequence[str], columns: Columns, parts: Commitments) -> None:
    """Spread the fees of a report that does not amortise: the first part stays, `following_days` makes the others."""
    purchased: list[datetime | None] = [None] * len(block)
    for at, kind in enumerate(kinds):
        if at in block.rejected or not columns["billed_cost"][at] or not parts.is_fee_to_spread(kind, at):
            continue
        start, end = columns["charge_period_start"][at], columns["charge_period_end"][at]
        if parts.is_upfront_fee(kind, at):
            told = parts.end_of_term(at, start)
            why = "no term is told" if told is None else amortising.why_not(start, told, committed=False)
            end = told or end
        else:
            why = amortising.why_not(start, end, committed=False)
        if why is None:
            part = amortising.spread(columns["billed_cost"][at], start, end)[0].amount
            columns["effective_cost"][at], columns["charge_period_end"][at], purchased[at] = part, end, start
        elif parts.is_upfront_fee(kind, at):
            block.note(at, f"an upfront fee, not spread: the report has no columns of amortisation, and {why}")
    columns["purchased"] = purchased


def following_days(block: Block, rows: Mapping[int, BillingRow]) -> list[BillingRow]:
    """Return a row for each day after the first of what is spread, of a later month in a statement of that month."""
    kinds = block.cells(KIND)
    return [
        _placed(each, PLAN_FEES if kinds[at].startswith(_PLANS) else RESERVATION_FEES)
        for at, row in rows.items()
        for each in amortising.following(row)
    ]


def _placed(row: BillingRow, dataset: str) -> BillingRow:
    return row if period_of(row).date() == row.billing_period_start.date() else in_its_month(row, dataset)


def amortises(header: Header) -> tuple[str, ...]:
    """Return the data sets of fees that a report with these columns amortises by itself."""
    return tuple(dataset for dataset, column in _AMORTISES.items() if canonical(column) in header.positions)


def _after(start: datetime, years: int) -> datetime:
    try:
        return start.replace(year=start.year + years)
    except ValueError:  # 29 February
        return start.replace(year=start.year + years, day=28) + timedelta(days=1)
