"""Cost without an owner in bills that are files: read here, down to resources and tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.adapters.ecb_rates import EcbRates
from app.bills_in_files import read_rows
from app.unowned import as_json
from domain.billing.unowned import UnownedLines
from domain.ownership import Ownership
from domain.queries import Span
from domain.remediation import Remediation
from domain.windows import DAY

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from app.settings import Configuration


def search_bills(
    files: Sequence[str],
    configuration: Configuration,
    *,
    dimension: str,
    basis: str,
    categories: Collection[str],
    now: float,
) -> dict[str, Any]:
    """Return the answer. Raises `PlanError`, `RefusedError`, `MissingRateError`."""
    unowned = UnownedLines(
        configuration.fx.rates(EcbRates()),
        configuration.currency,
        Ownership(configuration.owners).team_of,
        dimension=dimension,
        basis=basis,
        categories=categories,
    )
    first, last = unowned.decide(read_rows(files, configuration, unowned.survey))
    remediation = Remediation(dimension)
    read_rows(files, configuration, lambda rows: remediation.add(unowned.lines(rows)))
    return as_json(remediation, dimension, configuration.currency, Span(first, last + DAY), now)
