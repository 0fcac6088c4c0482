"""Bills held against what was metered, by SKU: the files are read here, the meter's side is asked of the API."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from app.adapters.ecb_rates import EcbRates
from app.bills_in_files import read_rows
from app.reconciled import as_json
from domain.billing.comparing import BilledSums
from domain.queries import Span
from domain.reconciliation import Billed, Metered, reconcile
from domain.windows import DAY, bounds, parse_instant

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from app.settings import Configuration


def read_bills(
    files: Sequence[str], configuration: Configuration, *, basis: str, categories: Collection[str]
) -> list[Billed]:
    """Return what bills come to. Raises `PlanError`, `RefusedError`, `MissingRateError`."""
    sums = BilledSums(configuration.fx.rates(EcbRates()), configuration.currency, basis=basis, categories=categories)
    return sums.lines(read_rows(files, configuration, sums.add))


def compare(
    billed: Sequence[Billed], configuration: Configuration, ask: Callable[[Mapping[str, str]], Any]
) -> dict[str, Any]:
    """Return the answer; `ask` answers questions to `GET /costs`."""
    days = [line.day for line in billed] or [0]
    span = Span(min(days), max(days) + DAY)
    answer = ask(
        {
            "source": "metered",
            "group_by": "provider,resource_type",
            "granularity": "day",
            **bounds(*span),
        }
    )
    drifts = reconcile([_metered(group) for group in answer["groups"]], billed, configuration.reconciliation)
    until = {each["provider"]: each["complete_until"] for each in answer["completeness"]["billed"] or ()}
    known = {name: int(parse_instant(text).timestamp()) for name, text in until.items()}
    return as_json(drifts, configuration.currency, span, known)


def _metered(group: Mapping[str, Any]) -> Metered:
    return Metered(
        group["key"]["provider"],
        group["key"]["resource_type"],
        int(parse_instant(group["start"]).timestamp()),
        Decimal(group.get("units", 0)),
        Decimal(group["amount"]),
        group.get("unpriced", 0),
    )
