"""Exports that tell the same charges twice, and which of them tells which cost basis.

Azure exports a month as actual and as amortised cost. Either alone is a whole bill. On a day that both of one billing
account tell, effective cost is that of the amortised export, and all else that of the actual one.

An actual export has purchases of commitments, whose parts belong to the days of months to come. The amortised export of
each of these months tells them, too. So the parts are statements of their own, one a month, which tell effective cost
on days of which no amortised export does. So are fees of AWS that a report does not amortise, in months after their
own: they give way to the report of such a month where that has columns of amortisation, of reservations or of plans.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Container

    from domain.billing.editions import Edition

ACTUAL: Final = "actual"
AMORTISED: Final = "amortised"
PURCHASES: Final = "purchases"
CUR: Final = "cur"
RESERVATION_FEES: Final = "reservation-fees"
PLAN_FEES: Final = "plan-fees"
_FEES: Final = (RESERVATION_FEES, PLAN_FEES)
_OTHER: Final = {
    ACTUAL: AMORTISED, AMORTISED: ACTUAL, PURCHASES: AMORTISED, RESERVATION_FEES: CUR, PLAN_FEES: CUR
}  # fmt: skip
_DEPENDENT: Final = {ACTUAL: (AMORTISED,), AMORTISED: (ACTUAL, PURCHASES), CUR: _FEES}
# Whose parts statements of purchases are, and where their records go.
_BOUGHT: Final = {PURCHASES: ACTUAL, RESERVATION_FEES: CUR, PLAN_FEES: CUR}
_EFFECTIVE: Final = "effective"
# What rules say of bills afterwards. It is no bill: nothing is complete because of it.
REATTRIBUTION: Final = "reattribution"


def sibling(statement: str) -> str | None:
    """Return the statement that tells the same charges in the other data set; None where there is no other.

    Which days of its are told is by those of its editions that are `rival`.
    """
    other = _OTHER.get(_dataset(statement))
    return None if other is None else _of(statement, other)


def dependents(statement: str) -> list[str]:
    """Return the statements that tell something else once this one tells its days."""
    return [_of(statement, each) for each in _DEPENDENT.get(_dataset(statement), ())]


def rival(statement: str, edition: Edition) -> bool:
    """Tell whether a statement gives way to an edition of its sibling: fees do to reports that amortise them."""
    dataset = _dataset(statement)
    return dataset not in _FEES or dataset in edition.amortises


def rivals(edition: Edition) -> list[str]:
    """Return the statements that give way to an edition, on the days that it tells."""
    return [each for each in dependents(edition.statement) if rival(each, edition)]


def origin_of(statement: str, part: str) -> tuple[str, str] | None:
    """Return the statement, and the part of it, that has the purchase whose parts these are; None for any other."""
    bought = _BOUGHT.get(_dataset(statement))
    if bought is None:
        return None
    period, _, name = part.partition("/")
    return f"{_of(statement, bought).rpartition('/')[0]}/{period}", name


def is_bill(statement: str) -> bool:
    """Tell whether a statement is a provider's, not a correction of ours."""
    return statement.split("/", 2)[1:2] != [REATTRIBUTION]


def completes(statement: str) -> bool:
    """Tell whether days are complete because of a statement: parts of what was bought before say nothing of theirs."""
    return is_bill(statement) and _dataset(statement) not in _BOUGHT


def routing_key(statement: str) -> str:
    """Return what the records of a statement are keyed by: siblings meet in one partition."""
    dataset = _dataset(statement)
    return _of(statement, _BOUGHT.get(dataset, ACTUAL)) if dataset in _OTHER else statement


def tells(statement: str, basis: str) -> bool:
    """Tell whether a basis is this statement's where its sibling tells the same day."""
    return (basis == _EFFECTIVE) is (_dataset(statement) == AMORTISED)


def gives_way(statement: str, day: int, basis: str, told: Container[tuple[str, int]]) -> bool:
    """Tell whether a basis of a day is the sibling's; `told` are the `rivals` of the editions that tell each day."""
    return (statement, day) in told and not tells(statement, basis)


def _dataset(statement: str) -> str:
    return statement.partition("/")[2].partition("/")[0]


def _of(statement: str, dataset: str) -> str:
    provider, _, rest = statement.partition("/")
    return f"{provider}/{dataset}/{rest.partition('/')[2]}"
