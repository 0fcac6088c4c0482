"""Bills held against what was metered, by SKU: the files are read here, the meter's side is asked of the API."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from app import billing_import
from app.adapters.ecb_rates import EcbRates
from app.billing_import import Options, Refused, Summary
from app.billing_plan import make_plan
from app.reconciled import as_json
from domain.billing.comparing import BilledSums
from domain.billing.editions import standing
from domain.billing.tags import TagTable
from domain.queries import Span
from domain.reconciliation import Billed, Metered, reconcile
from domain.windows import DAY, parse_instant, to_rfc3339

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from app.settings import Configuration


class RefusedError(Exception):
    """A file is no bill, or damaged; one sentence."""


def read_bills(
    files: Sequence[str], configuration: Configuration, *, basis: str, categories: Collection[str]
) -> list[Billed]:
    """Return what bills come to. Raises `PlanError`, `RefusedError`, `MissingRateError`."""
    options = Options(configuration.currency, TagTable(configuration.tags))
    sums = BilledSums(configuration.fx.rates(EcbRates()), configuration.currency, basis=basis, categories=categories)
    summary = Summary(configuration.currency)
    for delivery in make_plan(files).deliveries:
        _require_none(billing_import.check(delivery, options))
        billing_import.read_only(delivery, options, summary, lambda piece: sums.add(piece.rows))
    _require_none(summary.refused)
    return sums.lines(standing(summary.editions))


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
            "start": to_rfc3339(span.start),
            "end": to_rfc3339(span.end),
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


def _require_none(refused: Sequence[Refused]) -> None:
    for each in refused:
        raise RefusedError(f"{each.file.name}: {each.reason}")
