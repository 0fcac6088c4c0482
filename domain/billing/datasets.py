"""Exports that tell the same charges twice, and which of them tells which cost basis.

Azure exports a month as actual and as amortised cost. Either alone is a whole bill. On a day that both of one billing
account tell, effective cost is that of the amortised export, and all else that of the actual one.
"""

from __future__ import annotations

from typing import Final

from domain.billing.azure import ACTUAL, AMORTISED

_OTHER: Final = {ACTUAL: AMORTISED, AMORTISED: ACTUAL}
_EFFECTIVE: Final = "effective"
# What rules say of bills afterwards. It is no bill: nothing is complete because of it.
REATTRIBUTION: Final = "reattribution"


def sibling(statement: str) -> str | None:
    """Return the statement that tells the same charges in the other data set; None where there is no other."""
    provider, _, rest = statement.partition("/")
    dataset, _, account = rest.partition("/")
    return f"{provider}/{_OTHER[dataset]}/{account}" if dataset in _OTHER else None


def is_bill(statement: str) -> bool:
    """Tell whether a statement is a provider's, not a correction of ours."""
    return statement.split("/", 2)[1:2] != [REATTRIBUTION]


def routing_key(statement: str) -> str:
    """Return what the records of a statement are keyed by: siblings meet in one partition."""
    other = sibling(statement)
    return statement if other is None else min(statement, other)


def tells(statement: str, basis: str) -> bool:
    """Tell whether a basis is this statement's where its sibling tells the same day."""
    dataset = statement.split("/", 2)[1:2]
    return (basis == _EFFECTIVE) is (dataset == [AMORTISED])
